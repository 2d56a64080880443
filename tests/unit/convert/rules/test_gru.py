"""GRU unrolled."""

from tests.unit.convert.rules.drawing import Run, op
from tests.unit.convert.rules.harness import values
from tests.unit.convert.rules.pairs import declined, replaced


def test_two_steps() -> None:
    proto = op(
        "GRU",
        Run((2, 1, 3)),
        values(1, 6, 3),
        values(1, 6, 2),
        values(1, 12),
        hidden_size=2,
        outputs=2,
    )
    assert replaced("gru", proto) == [
        "MatMul 2x1x6",
        "Add 2x1x6",
        "Split 1x1x6",
        "Reshape 1x6",
        "Reshape 1x6",
        "Split 1x4",
        "MatMul 1x4",
        "Add 1x4",
        "Sigmoid 1x4",
        "Split 1x2",
        "Mul 1x2",
        "MatMul 1x2",
        "Add 1x2",
        "Tanh 1x2",
        "Sub 1x2",
        "Mul 1x2",
        "Add 1x2",
        "Split 1x4",
        "MatMul 1x4",
        "Add 1x4",
        "Sigmoid 1x4",
        "Split 1x2",
        "Mul 1x2",
        "MatMul 1x2",
        "Add 1x2",
        "Tanh 1x2",
        "Sub 1x2",
        "Mul 1x2",
        "Add 1x2",
        "Reshape 1x1x1x2",
        "Reshape 1x1x1x2",
        "Concat 2x1x1x2",
        "Reshape 1x1x2",
    ]


def test_reset_after_the_product() -> None:
    proto = op(
        "GRU",
        Run((1, 1, 3)),
        values(1, 6, 3),
        values(1, 6, 2),
        values(1, 12),
        hidden_size=2,
        linear_before_reset=1,
        outputs=2,
    )
    assert replaced("gru", proto) == [
        "MatMul 1x1x6",
        "Add 1x1x6",
        "Reshape 1x6",
        "Split 1x4",
        "MatMul 1x4",
        "Add 1x4",
        "Sigmoid 1x4",
        "Split 1x2",
        "MatMul 1x2",
        "Add 1x2",
        "Mul 1x2",
        "Add 1x2",
        "Tanh 1x2",
        "Sub 1x2",
        "Mul 1x2",
        "Add 1x2",
        "Reshape 1x1x1x2",
        "Reshape 1x1x2",
    ]


def test_long_sequences_stay() -> None:
    proto = op("GRU", Run((65, 1, 3)), values(1, 6, 3), values(1, 6, 2), hidden_size=2, outputs=2)
    assert declined("gru", proto) == "65 steps, over 64"


def test_other_activations_stay() -> None:
    proto = op(
        "GRU",
        Run((2, 1, 3)),
        values(1, 6, 3),
        values(1, 6, 2),
        hidden_size=2,
        outputs=2,
        activations=["Elu", "Tanh"],
    )
    assert declined("gru", proto) == "its activations aren't Sigmoid, Tanh, Relu"


def test_weights_at_run_time_stay() -> None:
    proto = op("GRU", Run((2, 1, 3)), Run((1, 6, 3)), values(1, 6, 2), hidden_size=2, outputs=2)
    assert declined("gru", proto) == "its weights aren't stored"
