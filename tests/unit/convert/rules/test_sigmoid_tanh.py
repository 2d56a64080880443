"""Sigmoid and Tanh by each other."""

from tests.unit.convert.rules.drawing import Run, op
from tests.unit.convert.rules.pairs import replaced


def test_sigmoid() -> None:
    proto = op("Sigmoid", Run((20, 3)))
    assert replaced("sigmoid-tanh", proto) == ["Mul 20x3", "Tanh 20x3", "Mul 20x3", "Add 20x3"]


def test_tanh() -> None:
    proto = op("Tanh", Run((20, 3)))
    assert replaced("sigmoid-tanh", proto) == ["Mul 20x3", "Sigmoid 20x3", "Mul 20x3", "Add 20x3"]
