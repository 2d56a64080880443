"""Large kernels to parts."""

from tests.unit.convert.rules.drawing import Run, op
from tests.unit.convert.rules.harness import values
from tests.unit.convert.rules.pairs import declined, replaced


def test_parts_of_three() -> None:
    proto = op("Conv", Run((1, 2, 9, 9)), values(3, 2, 3, 5), values(3), pads=[1, 2, 1, 2])
    assert replaced("conv-kernel", proto) == [
        "Pad 1x2x11x13",
        "Slice 1x2x11x11",
        "Conv 1x3x9x9",
        "Slice 1x2x11x10",
        "Conv 1x3x9x9",
        "Add 1x3x9x9",
    ]


def test_parts_of_eight() -> None:
    proto = op("Conv", Run((1, 1, 9, 12)), values(1, 1, 1, 10), strides=[2, 1])
    assert replaced("conv-kernel", proto) == [
        "Slice 1x1x9x10",
        "Conv 1x1x5x3",
        "Slice 1x1x9x4",
        "Conv 1x1x5x3",
        "Add 1x1x5x3",
    ]


def test_a_small_kernel_stay() -> None:
    proto = op("Conv", Run((1, 2, 9, 9)), values(3, 2, 3, 3))
    assert declined("conv-kernel", proto) == "its kernel isn't over 3"


def test_same_padding_stay() -> None:
    proto = op("Conv", Run((1, 2, 9, 9)), values(3, 2, 5, 5), auto_pad="SAME_UPPER")
    assert declined("conv-kernel", proto) == "auto_pad SAME"


def test_weights_at_run_time_stay() -> None:
    proto = op("Conv", Run((1, 2, 9, 9)), Run((3, 2, 5, 5)))
    assert declined("conv-kernel", proto) == "the weights aren't stored"


def test_too_many_parts_stay() -> None:
    proto = op("Conv", Run((1, 1, 80, 80)), values(1, 1, 72, 65))
    assert declined("conv-kernel", proto) == "it would take 81 convolutions"
