"""Squeeze, Unsqueeze and Flatten to Reshape."""

from pathlib import Path

import numpy as np
import pytest

from tests.unit.convert.rules.harness import after, one, why_not

X = (2, 8, 1, 5)


@pytest.mark.parametrize("opset", [9, 17])
def test_squeeze_and_unsqueeze(tmp_path: Path, opset: int) -> None:
    for op_type in ("Squeeze", "Unsqueeze"):
        axes = np.array([2])
        given = one(op_type, X, axes) if opset > 12 else one(op_type, X, opset=opset, axes=[2])
        assert after(tmp_path, given, op_type) == ["Reshape"]


def test_flatten(tmp_path: Path) -> None:
    assert after(tmp_path, one("Flatten", X, axis=2), "Flatten") == ["Reshape"]


def test_empty_tensors_are_refused(tmp_path: Path) -> None:
    why = why_not(tmp_path, one("Flatten", (2, 0, 3)), "to-reshape", "Flatten")
    assert why == "a dimension is 0"
