"""LRN by a 1x1 Conv."""

from tests.unit.convert.rules.drawing import Run, op
from tests.unit.convert.rules.pairs import declined, replaced


def test_three_channels() -> None:
    proto = op("LRN", Run((1, 5, 2, 3)), size=3, beta=1.0)
    assert replaced("lrn-conv", proto) == [
        "Mul 1x5x2x3",
        "Conv 1x5x2x3",
        "Mul 1x5x2x3",
        "Add 1x5x2x3",
        "Div 1x5x2x3",
    ]


def test_rank_2_stay() -> None:
    proto = op("LRN", Run((1, 5)), size=3)
    assert declined("lrn-conv", proto) == "not rank 3 to 5"
