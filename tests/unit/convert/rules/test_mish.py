"""Mish to primitives."""

from pathlib import Path

from tests.unit.convert.rules.harness import after, one, why_not

X = (2, 4, 6, 5)


def test_softplus_tanh_mul(tmp_path: Path) -> None:
    made = after(tmp_path, one("Mish", X, opset=18), "Mish")
    assert made == ["Softplus", "Tanh", "Mul"]


def test_it_stays_where_tanh_blocks(tmp_path: Path) -> None:
    why = why_not(tmp_path, one("Mish", X, opset=18), "mish", "Mish", "Tanh")
    assert why == "its Tanh blocks too: no Tanh"
