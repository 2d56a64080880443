"""Means over H and W to GlobalAveragePool."""

from pathlib import Path

import numpy as np

from tests.unit.convert.rules.harness import after, one, why_not

X = (2, 4, 6, 5)


def test_reduce_mean(tmp_path: Path) -> None:
    assert after(tmp_path, one("ReduceMean", X, axes=[-1, 2]), "ReduceMean") == [
        "GlobalAveragePool"
    ]
    proto = one("ReduceMean", X, np.array([2, 3]), keepdims=0, opset=18)
    assert after(tmp_path, proto, "ReduceMean") == ["GlobalAveragePool", "Reshape"]


def test_average_pool(tmp_path: Path) -> None:
    proto = one("AveragePool", X, kernel_shape=[6, 5])
    assert after(tmp_path, proto, "AveragePool") == ["GlobalAveragePool"]


def test_other_axes_and_kernels_are_refused(tmp_path: Path) -> None:
    why = why_not(tmp_path, one("ReduceMean", X, axes=[1]), "pool-to-global", "ReduceMean")
    assert why == "its axes aren't H and W"
    proto = one("AveragePool", X, kernel_shape=[2, 2])
    why = why_not(tmp_path, proto, "pool-to-global", "AveragePool")
    assert why == "its kernel isn't the whole input without pads"
