"""Expand to Mul."""

import numpy as np
from onnx import TensorProto

from tests.unit.convert.rules.drawing import Run, op
from tests.unit.convert.rules.pairs import declined, replaced


def test_ones() -> None:
    proto = op("Expand", Run((3, 1)), np.asarray((2, 3, 4)))
    assert replaced("expand-to-mul", proto) == ["Mul 2x3x4"]


def test_bool_stay() -> None:
    proto = op("Expand", Run((3, 1), TensorProto.BOOL), np.asarray((3, 4)))
    assert declined("expand-to-mul", proto) == "BOOL isn't multiplied everywhere"


def test_too_many_ones_stay() -> None:
    proto = op("Expand", Run((1,)), np.asarray((2000, 2000)))
    assert declined("expand-to-mul", proto) == "it would take 4000000 ones"
