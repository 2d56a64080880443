"""Sigmoid to primitives."""

from tests.unit.convert.rules.drawing import Run, op
from tests.unit.convert.rules.pairs import replaced


def test_no_overflow() -> None:
    proto = op("Sigmoid", Run((2, 3)))
    assert replaced("sigmoid", proto) == ["Neg 2x3", "Exp 2x3", "Add 2x3", "Div 2x3"]
