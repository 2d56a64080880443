"""Gather to Slices."""

import numpy as np
from onnx import TensorProto

from tests.unit.convert.rules.drawing import Run, op
from tests.unit.convert.rules.pairs import declined, replaced


def test_runs() -> None:
    proto = op("Gather", Run((2, 6)), np.asarray([0, 0, 1, 2, 5]), axis=1)
    assert replaced("gather-to-concat", proto) == [
        "Slice 2x1",
        "Slice 2x3",
        "Slice 2x1",
        "Concat 2x5",
    ]


def test_indices_of_rank_2() -> None:
    proto = op("Gather", Run((4, 3)), np.asarray([[3, 1], [1, -1]]), axis=0)
    assert replaced("gather-to-concat", proto) == [
        "Slice 1x3",
        "Slice 1x3",
        "Concat 4x3",
        "Reshape 2x2x3",
    ]


def test_neighbours_stay() -> None:
    proto = op("Gather", Run((2, 6)), np.asarray([1, 2]), axis=1)
    assert declined("gather-to-concat", proto) == "its indices are neighbours"


def test_too_many_runs_stay() -> None:
    proto = op("Gather", Run((200,)), np.arange(0, 200, 2))
    assert declined("gather-to-concat", proto) == "its indices have 100 runs, over 64"


def test_indices_at_run_time_stay() -> None:
    proto = op("Gather", Run((2, 6)), Run((2,), TensorProto.INT64))
    assert (
        declined("gather-to-concat", proto) == "its indices aren't stored, or its shape isn't known"
    )
