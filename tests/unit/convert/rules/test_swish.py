"""Swish to primitives."""

from tests.unit.convert.rules.drawing import Run, op
from tests.unit.convert.rules.pairs import replaced


def test_with_alpha() -> None:
    proto = op("Swish", Run((2, 3)), alpha=1.5, opset=24)
    assert replaced("swish", proto) == ["Mul 2x3", "Sigmoid 2x3", "Mul 2x3"]


def test_plain() -> None:
    proto = op("Swish", Run((2, 3)), opset=24)
    assert replaced("swish", proto) == ["Sigmoid 2x3", "Mul 2x3"]
