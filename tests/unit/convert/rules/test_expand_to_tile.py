"""Expand to Tile."""

import numpy as np
from onnx import TensorProto

from tests.unit.convert.rules.drawing import Run, op
from tests.unit.convert.rules.pairs import declined, replaced


def test_a_higher_rank() -> None:
    proto = op("Expand", Run((3, 1), TensorProto.BOOL), np.asarray((2, 3, 4)))
    assert replaced("expand-to-tile", proto) == ["Reshape 1x3x1", "Tile 2x3x4"]


def test_the_same_rank() -> None:
    proto = op("Expand", Run((3, 1)), np.asarray((3, 4)))
    assert replaced("expand-to-tile", proto) == ["Tile 3x4"]


def test_nothing_stay() -> None:
    proto = op("Expand", Run((1,)), np.asarray((0,)))
    assert declined("expand-to-tile", proto) == "it makes nothing"
