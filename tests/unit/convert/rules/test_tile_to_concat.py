"""Tile to Concat."""

import numpy as np
from onnx import TensorProto

from tests.unit.convert.rules.drawing import Run, op
from tests.unit.convert.rules.pairs import declined, replaced


def test_two_axes() -> None:
    proto = op("Tile", Run((2, 3)), np.asarray([2, 3]))
    assert replaced("tile-to-concat", proto) == ["Concat 2x9", "Concat 4x9"]


def test_one_copy_stay() -> None:
    proto = op("Tile", Run((2, 3)), np.asarray([1, 1]))
    assert declined("tile-to-concat", proto) == "it repeats nothing"


def test_too_many_stay() -> None:
    proto = op("Tile", Run((2, 3)), np.asarray([1, 65]))
    assert declined("tile-to-concat", proto) == "its repeats [1, 65] aren't from 1 to 64"


def test_repeats_at_run_time_stay() -> None:
    proto = op("Tile", Run((2, 3)), Run((2,), TensorProto.INT64))
    assert declined("tile-to-concat", proto) == "its repeats aren't stored"
