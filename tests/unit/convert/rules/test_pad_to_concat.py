"""Pad with a constant to Concat."""

import numpy as np
from onnx import TensorProto

from tests.unit.convert.rules.drawing import Run, op
from tests.unit.convert.rules.pairs import declined, replaced


def test_any_value() -> None:
    proto = op("Pad", Run((2, 3)), np.asarray([1, 0, 0, 2]), np.asarray(7, np.float32))
    assert replaced("pad-to-concat", proto) == ["Concat 3x3", "Concat 3x5"]


def test_negative_pads() -> None:
    proto = op("Pad", Run((2, 5)), np.asarray([0, -1, 0, 1]))
    assert replaced("pad-to-concat", proto) == ["Slice 2x4", "Concat 2x5"]


def test_attributes() -> None:
    proto = op("Pad", Run((2, 3)), opset=10, pads=[0, 1, 0, 0], value=1.5)
    assert replaced("pad-to-concat", proto) == ["Concat 2x4"]


def test_other_modes_stay() -> None:
    proto = op("Pad", Run((2, 3)), np.asarray([0, 1, 0, 0]), mode="edge")
    assert declined("pad-to-concat", proto) == "mode edge"


def test_pads_at_run_time_stay() -> None:
    proto = op("Pad", Run((2, 3)), Run((4,), TensorProto.INT64))
    assert declined("pad-to-concat", proto) == "its pads aren't stored"


def test_a_value_at_run_time_stay() -> None:
    proto = op("Pad", Run((2, 3)), np.asarray([0, 1, 0, 0]), Run(()))
    assert declined("pad-to-concat", proto) == "its value isn't stored"
