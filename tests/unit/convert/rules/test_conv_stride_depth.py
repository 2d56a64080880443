"""Strides by SpaceToDepth."""

from tests.unit.convert.rules.drawing import Run, op
from tests.unit.convert.rules.harness import values
from tests.unit.convert.rules.pairs import declined, replaced


def test_phases_as_channels() -> None:
    proto = op(
        "Conv", Run((1, 2, 9, 9)), values(3, 2, 3, 3), values(3), strides=[2, 2], pads=[1, 1, 1, 1]
    )
    assert replaced("conv-stride-depth", proto) == [
        "Pad 1x2x12x12",
        "SpaceToDepth 1x8x6x6",
        "Conv 1x3x5x5",
    ]


def test_a_patch_embedding() -> None:
    proto = op("Conv", Run((1, 3, 16, 16)), values(6, 3, 4, 4), strides=[4, 4])
    assert replaced("conv-stride-depth", proto) == ["SpaceToDepth 1x48x4x4", "Conv 1x6x4x4"]


def test_groups_stay() -> None:
    proto = op("Conv", Run((1, 2, 9, 9)), values(2, 1, 3, 3), strides=[2, 2], group=2)
    assert declined("conv-stride-depth", proto) == "it has groups"


def test_different_strides_stay() -> None:
    proto = op("Conv", Run((1, 2, 9, 9)), values(3, 2, 3, 3), strides=[1, 2])
    assert declined("conv-stride-depth", proto) == "not rank 4 with equal strides over 1"
