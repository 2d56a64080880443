"""Dilated convolutions by space to batch."""

from tests.unit.convert.rules.drawing import Run, op
from tests.unit.convert.rules.harness import values
from tests.unit.convert.rules.pairs import declined, replaced


def test_two_axes() -> None:
    proto = op("Conv", Run((1, 2, 9, 8)), values(3, 2, 3, 3), dilations=[2, 3], pads=[2, 3, 2, 3])
    assert replaced("dilated-conv", proto) == [
        "Pad 1x2x14x15",
        "Reshape 1x2x7x2x5x3",
        "Transpose 2x3x1x2x7x5",
        "Reshape 6x2x7x5",
        "Conv 6x3x5x3",
        "Reshape 2x3x1x3x5x3",
        "Transpose 1x3x5x2x3x3",
        "Reshape 1x3x10x9",
        "Slice 1x3x9x9",
        "Slice 1x3x9x8",
    ]


def test_one_axis() -> None:
    proto = op("Conv", Run((2, 2, 8)), values(2, 1, 3), dilations=[2], group=2)
    assert replaced("dilated-conv", proto) == [
        "Reshape 2x2x4x2",
        "Transpose 2x2x2x4",
        "Reshape 4x2x4",
        "Conv 4x2x2",
        "Reshape 2x2x2x2",
        "Transpose 2x2x2x2",
        "Reshape 2x2x4",
    ]


def test_no_dilation_stay() -> None:
    proto = op("Conv", Run((1, 2, 9, 9)), values(3, 2, 3, 3))
    assert declined("dilated-conv", proto) == "it isn't dilated"


def test_strides_stay() -> None:
    proto = op("Conv", Run((1, 2, 9, 9)), values(3, 2, 3, 3), dilations=[2, 2], strides=[2, 2])
    assert declined("dilated-conv", proto) == "its stride isn't 1"
