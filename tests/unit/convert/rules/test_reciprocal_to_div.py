"""Reciprocal to Div."""

from pathlib import Path

from tests.unit.convert.rules.harness import after, one, why_not

X = (2, 4, 6, 5)


def test_one_is_divided(tmp_path: Path) -> None:
    assert after(tmp_path, one("Reciprocal", X), "Reciprocal") == ["Div"]


def test_it_stays_where_div_blocks(tmp_path: Path) -> None:
    why = why_not(tmp_path, one("Reciprocal", X), "reciprocal-to-div", "Reciprocal", "Div", "Pow")
    assert why == "its Div blocks too: no Div"
