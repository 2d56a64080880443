"""Elu, Selu and Celu to primitives."""

from pathlib import Path

import pytest

from tests.unit.convert.rules.harness import after, one, why_not

X = (2, 4, 6, 5)


@pytest.mark.parametrize("op_type", ["Elu", "Selu", "Celu"])
@pytest.mark.parametrize("alpha", [1.0, 0.7])
def test_primitives(tmp_path: Path, op_type: str, alpha: float) -> None:
    made = after(tmp_path, one(op_type, X, alpha=alpha), op_type)
    assert set(made) <= {"Relu", "Neg", "Exp", "Add", "Mul"}


def test_celu_with_a_negative_alpha_is_refused(tmp_path: Path) -> None:
    why = why_not(tmp_path, one("Celu", X, alpha=-1.0), "elu-family", "Celu")
    assert why == "Celu's alpha must be over 0"
