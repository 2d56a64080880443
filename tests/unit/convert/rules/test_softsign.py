"""Softsign to primitives."""

from tests.unit.convert.rules.drawing import Run, op
from tests.unit.convert.rules.pairs import replaced


def test_primitives() -> None:
    proto = op("Softsign", Run((2, 3)))
    assert replaced("softsign", proto) == ["Abs 2x3", "Add 2x3", "Div 2x3"]
