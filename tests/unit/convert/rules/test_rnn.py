"""RNN unrolled."""

import numpy as np
from onnx import TensorProto

from tests.unit.convert.rules.drawing import Run, op
from tests.unit.convert.rules.harness import values
from tests.unit.convert.rules.pairs import declined, replaced


def test_bidirectional() -> None:
    proto = op(
        "RNN",
        Run((2, 1, 3)),
        values(2, 2, 3),
        values(2, 2, 2),
        hidden_size=2,
        direction="bidirectional",
        outputs=2,
    )
    assert replaced("rnn", proto) == [
        "MatMul 2x1x2",
        "Split 1x1x2",
        "Reshape 1x2",
        "Reshape 1x2",
        "MatMul 1x2",
        "Add 1x2",
        "Tanh 1x2",
        "MatMul 1x2",
        "Add 1x2",
        "Tanh 1x2",
        "MatMul 2x1x2",
        "Split 1x1x2",
        "Reshape 1x2",
        "Reshape 1x2",
        "MatMul 1x2",
        "Add 1x2",
        "Tanh 1x2",
        "MatMul 1x2",
        "Add 1x2",
        "Tanh 1x2",
        "Reshape 1x1x1x2",
        "Reshape 1x1x1x2",
        "Concat 1x2x1x2",
        "Reshape 1x1x1x2",
        "Reshape 1x1x1x2",
        "Concat 1x2x1x2",
        "Concat 2x2x1x2",
        "Reshape 1x1x2",
        "Reshape 1x1x2",
        "Concat 2x1x2",
    ]


def test_float16_stay() -> None:
    proto = op(
        "RNN",
        Run((2, 1, 3), TensorProto.FLOAT16),
        values(1, 2, 3, dtype=np.float16),
        values(1, 2, 2, dtype=np.float16),
        hidden_size=2,
        outputs=2,
    )
    assert declined("rnn", proto) == "FLOAT16 isn't float32 or float64"
