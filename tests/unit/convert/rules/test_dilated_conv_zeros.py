"""Dilated convolutions by zeros in the kernel."""

from tests.unit.convert.rules.drawing import Run, op
from tests.unit.convert.rules.harness import values
from tests.unit.convert.rules.pairs import declined, replaced


def test_with_strides() -> None:
    proto = op("Conv", Run((1, 2, 9, 9)), values(3, 2, 3, 3), dilations=[2, 2], strides=[2, 2])
    assert replaced("dilated-conv-zeros", proto) == ["Conv 1x3x3x3"]


def test_no_dilation_stay() -> None:
    proto = op("Conv", Run((1, 2, 9, 9)), values(3, 2, 3, 3))
    assert declined("dilated-conv-zeros", proto) == "it isn't dilated"
