"""Max and Min to Clip."""

import numpy as np
from onnx import TensorProto

from tests.unit.convert.rules.drawing import Run, model, op
from tests.unit.convert.rules.harness import values
from tests.unit.convert.rules.pairs import declined, replaced


def test_relu6() -> None:
    proto = model([("Relu", [Run((2, 3))], {}), ("Min", ["@0", np.asarray(6, np.float32)], {})])
    assert replaced("min-max-to-clip", proto) == ["Clip 2x3"]


def test_both_limits() -> None:
    proto = model(
        [
            ("Max", [Run((2, 3)), np.asarray(-1, np.float32)], {}),
            ("Min", [np.asarray(1, np.float32), "@0"], {}),
        ]
    )
    assert replaced("min-max-to-clip", proto) == ["Clip 2x3"]


def test_from_below() -> None:
    proto = op("Max", Run((2, 3)), np.asarray([2], np.float32))
    assert replaced("min-max-to-clip", proto) == ["Clip 2x3"]


def test_several_limits_stay() -> None:
    proto = op("Max", Run((2, 3)), values(3))
    assert declined("min-max-to-clip", proto) == "not one stored limit of two operands"


def test_two_tensors_stay() -> None:
    proto = op("Max", Run((2, 3)), Run((3,)))
    assert declined("min-max-to-clip", proto) == "not one stored limit of two operands"


def test_integers_stay() -> None:
    proto = op("Max", Run((2, 3), TensorProto.INT32), np.asarray(2, np.int32))
    assert declined("min-max-to-clip", proto) == "INT32 isn't float"
