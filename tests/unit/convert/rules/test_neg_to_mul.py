"""Neg to primitives."""

from pathlib import Path

import onnx

from tests.unit.convert.rules.harness import after, one, why_not

X = (2, 4, 6, 5)


def test_primitives(tmp_path: Path) -> None:
    assert sorted(after(tmp_path, one("Neg", X), "Neg")) == ["Mul"]


def test_integers_are_refused(tmp_path: Path) -> None:
    proto = one("Neg", X, dtype=onnx.TensorProto.INT32)
    assert "isn't float" in why_not(tmp_path, proto, "neg-to-mul", "Neg")
