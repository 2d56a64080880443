"""LSTM unrolled."""

import numpy as np

from tests.unit.convert.rules.drawing import Run, op
from tests.unit.convert.rules.harness import values
from tests.unit.convert.rules.pairs import declined, replaced


def test_two_steps() -> None:
    proto = op(
        "LSTM",
        Run((2, 1, 3)),
        values(1, 8, 3),
        values(1, 8, 2),
        values(1, 16),
        hidden_size=2,
        outputs=3,
    )
    assert replaced("lstm", proto) == [
        "MatMul 2x1x8",
        "Add 2x1x8",
        "Split 1x1x8",
        "Reshape 1x8",
        "Reshape 1x8",
        "MatMul 1x8",
        "Add 1x8",
        "Split 1x2",
        "Sigmoid 1x2",
        "Sigmoid 1x2",
        "Tanh 1x2",
        "Mul 1x2",
        "Mul 1x2",
        "Add 1x2",
        "Sigmoid 1x2",
        "Tanh 1x2",
        "Mul 1x2",
        "MatMul 1x8",
        "Add 1x8",
        "Split 1x2",
        "Sigmoid 1x2",
        "Sigmoid 1x2",
        "Tanh 1x2",
        "Mul 1x2",
        "Mul 1x2",
        "Add 1x2",
        "Sigmoid 1x2",
        "Tanh 1x2",
        "Mul 1x2",
        "Reshape 1x1x1x2",
        "Reshape 1x1x1x2",
        "Concat 2x1x1x2",
        "Reshape 1x1x2",
        "Reshape 1x1x2",
    ]


def test_one_step_with_peepholes() -> None:
    proto = op(
        "LSTM",
        Run((1, 1, 3)),
        values(1, 8, 3),
        values(1, 8, 2),
        None,
        None,
        None,
        None,
        values(1, 6),
        hidden_size=2,
        outputs=3,
    )
    assert replaced("lstm", proto) == [
        "MatMul 1x1x8",
        "Reshape 1x8",
        "MatMul 1x8",
        "Add 1x8",
        "Split 1x2",
        "Mul 1x2",
        "Add 1x2",
        "Sigmoid 1x2",
        "Mul 1x2",
        "Add 1x2",
        "Sigmoid 1x2",
        "Tanh 1x2",
        "Mul 1x2",
        "Mul 1x2",
        "Add 1x2",
        "Mul 1x2",
        "Add 1x2",
        "Sigmoid 1x2",
        "Tanh 1x2",
        "Mul 1x2",
        "Reshape 1x1x1x2",
        "Reshape 1x1x2",
        "Reshape 1x1x2",
    ]


def test_clip_stay() -> None:
    proto = op(
        "LSTM", Run((2, 1, 3)), values(1, 8, 3), values(1, 8, 2), hidden_size=2, outputs=3, clip=1.0
    )
    assert declined("lstm", proto) == "it clips"


def test_coupled_gates_stay() -> None:
    proto = op(
        "LSTM",
        Run((2, 1, 3)),
        values(1, 8, 3),
        values(1, 8, 2),
        hidden_size=2,
        outputs=3,
        input_forget=1,
    )
    assert declined("lstm", proto) == "input_forget"


def test_shorter_sequences_stay() -> None:
    proto = op(
        "LSTM",
        Run((2, 1, 3)),
        values(1, 8, 3),
        values(1, 8, 2),
        None,
        np.asarray([1], np.int32),
        hidden_size=2,
        outputs=3,
    )
    assert declined("lstm", proto) == "its sequences aren't all as long as the input"
