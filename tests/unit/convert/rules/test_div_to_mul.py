"""Div by a constant to Mul."""

from pathlib import Path

import numpy as np
import onnx
import pytest

from tests.unit.convert.rules.harness import after, converted, one, values, why_not

X = (2, 4, 6, 5)


def test_a_stored_divisor(tmp_path: Path) -> None:
    assert after(tmp_path, one("Div", X, values(4, 1, 1)), "Div") == ["Mul"]
    half = values(4, 1, 1, dtype=np.float16)
    proto = one("Div", X, half, dtype=onnx.TensorProto.FLOAT16)
    assert after(tmp_path, proto, "Div") == ["Mul"]


def test_powers_of_two_are_exact(tmp_path: Path) -> None:
    outcome = converted(tmp_path, one("Div", X, np.array([0.25], np.float32)), "Div")
    assert outcome.rewrites[0].certificate.max_abs_error == (0.0,)


@pytest.mark.parametrize("divisor", [0.0, 1e-40, 3e38])
def test_extreme_divisors_are_refused(tmp_path: Path, divisor: float) -> None:
    proto = one("Div", X, np.array([divisor], np.float32))
    assert "no normal number" in why_not(tmp_path, proto, "div-to-mul", "Div", "Reciprocal")


def test_integers_are_refused(tmp_path: Path) -> None:
    proto = one("Div", X, np.array([2], np.int32), dtype=onnx.TensorProto.INT32)
    assert "isn't float" in why_not(tmp_path, proto, "div-to-mul", "Div")
