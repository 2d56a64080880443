"""Sqrt and Reciprocal to Pow."""

from pathlib import Path

from tests.unit.convert.rules.harness import after, one, why_not

X = (2, 4, 6, 5)


def test_sqrt(tmp_path: Path) -> None:
    assert after(tmp_path, one("Sqrt", X, before="Abs"), "Sqrt") == ["Abs", "Pow"]


def test_reciprocal(tmp_path: Path) -> None:
    assert after(tmp_path, one("Reciprocal", X), "Reciprocal", "Div") == ["Pow"]


def test_it_stays_where_pow_blocks(tmp_path: Path) -> None:
    why = why_not(tmp_path, one("Sqrt", X, before="Abs"), "sqrt-to-pow", "Sqrt", "Pow")
    assert why == "its Pow blocks too: no Pow"
