"""Large pooling kernels in steps."""

from tests.unit.convert.rules.drawing import Run, op
from tests.unit.convert.rules.pairs import declined, replaced


def test_max() -> None:
    proto = op(
        "MaxPool", Run((1, 2, 12, 12)), kernel_shape=[5, 5], strides=[2, 2], pads=[2, 2, 2, 2]
    )
    assert replaced("pool-kernel", proto) == ["MaxPool 1x2x14x14", "MaxPool 1x2x6x6"]


def test_very_large() -> None:
    proto = op("MaxPool", Run((1, 2, 20)), kernel_shape=[19])
    assert replaced("pool-kernel", proto) == ["MaxPool 1x2x13", "MaxPool 1x2x6", "MaxPool 1x2x2"]


def test_average() -> None:
    proto = op("AveragePool", Run((1, 2, 12, 12)), kernel_shape=[12, 12])
    assert replaced("pool-kernel", proto) == ["AveragePool 1x2x2x2", "AveragePool 1x2x1x1"]


def test_small_kernels_stay() -> None:
    proto = op("MaxPool", Run((1, 2, 9, 9)), kernel_shape=[3, 3])
    assert declined("pool-kernel", proto) == "its kernel isn't over 3"


def test_overlapping_averages_stay() -> None:
    proto = op("AveragePool", Run((1, 2, 9, 9)), kernel_shape=[5, 5])
    assert declined("pool-kernel", proto) == "its blocks have pads or overlap"


def test_primes_stay() -> None:
    proto = op("AveragePool", Run((1, 2, 7, 7)), kernel_shape=[7, 7])
    assert declined("pool-kernel", proto) == "its kernel has no factors"


def test_ceil_mode_stay() -> None:
    proto = op("MaxPool", Run((1, 2, 9, 9)), kernel_shape=[5, 5], ceil_mode=1)
    assert declined("pool-kernel", proto) == "ceil_mode or dilations"


def test_wide_pads_stay() -> None:
    proto = op("MaxPool", Run((1, 2, 9, 9)), kernel_shape=[7, 7], pads=[3, 3, 3, 3])
    assert declined("pool-kernel", proto) == "its pads are as large as a part"
