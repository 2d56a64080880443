"""Sum to Add."""

from pathlib import Path

from tests.unit.convert.rules.harness import after, one, values, why_not

X = (2, 4, 6, 5)


def test_two_and_more_inputs(tmp_path: Path) -> None:
    assert after(tmp_path, one("Sum", X, X), "Sum") == ["Add"]
    assert after(tmp_path, one("Sum", X, (4, 1, 1), X, values(5)), "Sum") == ["Add", "Add", "Add"]


def test_nothing_is_replaced_where_add_blocks_too(tmp_path: Path) -> None:
    why = why_not(tmp_path, one("Sum", X, X), "sum-to-add", "Sum", "Add")
    assert why == "its Add blocks too: no Add"
