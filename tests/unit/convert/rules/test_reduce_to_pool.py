"""Reductions to pooling."""

import numpy as np

from tests.unit.convert.rules.drawing import Run, op
from tests.unit.convert.rules.pairs import declined, replaced


def test_mean_of_channels() -> None:
    proto = op("ReduceMean", Run((2, 3, 4, 5)), axes=[1])
    assert replaced("reduce-to-pool", proto) == [
        "Reshape 1x2x3x20",
        "AveragePool 1x2x1x20",
        "Reshape 2x1x4x5",
    ]


def test_max() -> None:
    proto = op("ReduceMax", Run((2, 3, 4)), axes=[1, 2], keepdims=0)
    assert replaced("reduce-to-pool", proto) == ["Reshape 1x2x12x1", "MaxPool 1x2x1x1", "Reshape 2"]


def test_sum() -> None:
    proto = op("ReduceSum", Run((2, 3, 4)), np.asarray([-1]))
    assert replaced("reduce-to-pool", proto) == [
        "Reshape 1x6x4x1",
        "AveragePool 1x6x1x1",
        "Mul 1x6x1x1",
        "Reshape 2x3x1",
    ]


def test_axes_apart_stay() -> None:
    proto = op("ReduceMean", Run((2, 3, 4)), axes=[0, 2])
    assert declined("reduce-to-pool", proto) == "its axes have others between them"
