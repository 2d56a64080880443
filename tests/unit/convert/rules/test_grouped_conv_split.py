"""Grouped convolutions to one convolution per group."""

from tests.unit.convert.rules.drawing import Run, op
from tests.unit.convert.rules.harness import values
from tests.unit.convert.rules.pairs import declined, replaced

X = Run((2, 4, 6, 5))


def test_two_groups() -> None:
    proto = op("Conv", X, values(6, 2, 3, 3), values(6), group=2, pads=[1, 1, 1, 1])
    assert replaced("grouped-conv-split", proto) == [
        "Split 2x2x6x5", "Conv 2x3x6x5", "Conv 2x3x6x5", "Concat 2x6x6x5",
    ]  # fmt: skip


def test_a_single_group_stays() -> None:
    proto = op("Conv", X, values(6, 4, 3, 3))
    assert declined("grouped-conv-split", proto) == "it has one group only"


def test_many_groups_stay() -> None:
    proto = op("Conv", Run((1, 33, 4, 4)), values(33, 1, 3, 3), group=33)
    assert declined("grouped-conv-split", proto) == "it has 33 groups, over 32"


def test_a_bias_at_run_time_stays() -> None:
    proto = op("Conv", X, values(6, 2, 3, 3), Run((6,)), group=2)
    assert declined("grouped-conv-split", proto) == "the bias isn't stored"
