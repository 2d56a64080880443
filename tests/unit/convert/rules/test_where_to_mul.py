"""Where to arithmetic."""

import numpy as np
from onnx import TensorProto

from tests.unit.convert.rules.drawing import Run, op
from tests.unit.convert.rules.pairs import declined, replaced


def test_two_branches() -> None:
    proto = op("Where", Run((2, 3), TensorProto.BOOL), Run((2, 3)), Run((3,)))
    assert replaced("where-to-mul", proto) == [
        "Cast 2x3",
        "Mul 2x3",
        "Sub 2x3",
        "Mul 2x3",
        "Add 2x3",
    ]


def test_a_branch_of_zero() -> None:
    proto = op("Where", Run((2, 3), TensorProto.BOOL), np.asarray(0, np.float32), Run((2, 3)))
    assert replaced("where-to-mul", proto) == ["Cast 2x3", "Sub 2x3", "Mul 2x3"]


def test_integers() -> None:
    proto = op("Where", Run((3,), TensorProto.BOOL), Run((3,), TensorProto.INT64), np.asarray(0))
    assert replaced("where-to-mul", proto) == ["Cast 3", "Mul 3"]


def test_masks_of_infinity_stay() -> None:
    proto = op("Where", Run((2, 3), TensorProto.BOOL), Run((2, 3)), np.asarray(-np.inf, np.float32))
    assert declined("where-to-mul", proto) == "a branch isn't finite: 0 times infinity is NaN"


def test_bool_stay() -> None:
    proto = op(
        "Where",
        Run((3,), TensorProto.BOOL),
        Run((3,), TensorProto.BOOL),
        Run((3,), TensorProto.BOOL),
    )
    assert declined("where-to-mul", proto) == "BOOL isn't multiplied everywhere"
