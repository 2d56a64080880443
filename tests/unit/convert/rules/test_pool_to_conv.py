"""AveragePool to a depthwise Conv."""

from tests.unit.convert.rules.drawing import Run, op
from tests.unit.convert.rules.pairs import declined, replaced


def test_strided() -> None:
    proto = op("AveragePool", Run((1, 3, 9, 9)), kernel_shape=[3, 3], strides=[2, 2])
    assert replaced("pool-to-conv", proto) == ["Conv 1x3x4x4"]


def test_pads_that_count() -> None:
    proto = op("AveragePool", Run((1, 3, 9)), kernel_shape=[3], pads=[1, 1], count_include_pad=1)
    assert replaced("pool-to-conv", proto) == ["Conv 1x3x9"]


def test_pads_that_dont_count_stay() -> None:
    proto = op("AveragePool", Run((1, 3, 9)), kernel_shape=[3], pads=[1, 1])
    assert declined("pool-to-conv", proto) == "pads that don't count"


def test_ceil_mode_stay() -> None:
    proto = op("AveragePool", Run((1, 3, 9)), kernel_shape=[2], strides=[2], ceil_mode=1)
    assert declined("pool-to-conv", proto) == "ceil_mode"
