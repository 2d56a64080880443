"""Mean to Sum."""

from tests.unit.convert.rules.drawing import Run, op
from tests.unit.convert.rules.pairs import replaced


def test_two() -> None:
    proto = op("Mean", Run((2, 3)), Run((3,)))
    assert replaced("mean-to-sum", proto) == ["Add 2x3", "Mul 2x3"]


def test_three() -> None:
    proto = op("Mean", Run((2, 3)), Run((3,)), Run((1,)))
    assert replaced("mean-to-sum", proto) == ["Sum 2x3", "Mul 2x3"]
