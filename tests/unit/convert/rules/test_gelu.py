"""Gelu to primitives."""

from pathlib import Path

from tests.unit.convert.rules.harness import after, one, why_not

X = (2, 4, 6, 5)


def test_with_erf(tmp_path: Path) -> None:
    made = after(tmp_path, one("Gelu", X, opset=20), "Gelu")
    assert sorted(made) == ["Add", "Erf", "Mul", "Mul", "Mul"]


def test_with_tanh_where_the_op_asks_for_it(tmp_path: Path) -> None:
    made = after(tmp_path, one("Gelu", X, opset=20, approximate="tanh"), "Gelu")
    assert "Tanh" in made
    assert "Erf" not in made


def test_it_stays_where_erf_blocks(tmp_path: Path) -> None:
    why = why_not(tmp_path, one("Gelu", X, opset=20), "gelu", "Gelu", "Erf")
    assert why == "its Erf blocks too: no Erf"
