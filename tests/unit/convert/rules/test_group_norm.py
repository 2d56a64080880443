"""GroupNormalization to primitives."""

import numpy as np
from onnx import TensorProto

from tests.unit.convert.rules.drawing import Run, op
from tests.unit.convert.rules.harness import values
from tests.unit.convert.rules.pairs import declined, replaced


def test_two_groups() -> None:
    proto = op(
        "GroupNormalization", Run((1, 4, 3, 5)), values(4), values(4), num_groups=2, opset=21
    )
    assert replaced("group-norm", proto) == [
        "Reshape 1x2x30",
        "ReduceMean 1x2x1",
        "Sub 1x2x30",
        "Mul 1x2x30",
        "ReduceMean 1x2x1",
        "Add 1x2x1",
        "Sqrt 1x2x1",
        "Div 1x2x30",
        "Reshape 1x4x3x5",
        "Mul 1x4x3x5",
        "Add 1x4x3x5",
    ]


def test_float16_stay() -> None:
    proto = op(
        "GroupNormalization",
        Run((1, 4, 3), TensorProto.FLOAT16),
        values(4, dtype=np.float16),
        values(4, dtype=np.float16),
        num_groups=2,
        opset=21,
    )
    assert declined("group-norm", proto) == "it computes in float32 inside"
