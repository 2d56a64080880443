"""Strides by picking."""

from tests.unit.convert.rules.drawing import Run, op
from tests.unit.convert.rules.harness import values
from tests.unit.convert.rules.pairs import declined, replaced


def test_picked_by_a_pool() -> None:
    proto = op("Conv", Run((1, 2, 9, 9)), values(3, 2, 3, 3), strides=[2, 4], pads=[1, 1, 1, 1])
    assert replaced("conv-stride", proto) == ["Conv 1x3x9x9", "MaxPool 1x3x5x3"]


def test_stride_1_stay() -> None:
    proto = op("Conv", Run((1, 2, 9, 9)), values(3, 2, 3, 3))
    assert declined("conv-stride", proto) == "its stride is 1"
