"""Softplus to primitives."""

from pathlib import Path

from tests.unit.convert.rules.harness import after, converted, one, why_not

WITH = ("mish",)

X = (2, 4, 6, 5)


def test_primitives(tmp_path: Path) -> None:
    made = after(tmp_path, one("Softplus", X), "Softplus")
    assert sorted(made) == ["Abs", "Add", "Add", "Exp", "Log", "Neg", "Relu"]


def test_inside_of_mish(tmp_path: Path) -> None:
    outcome = converted(tmp_path, one("Mish", X, opset=18), "Mish", "Softplus")
    assert outcome.rewrites[0].rules == ("mish", "softplus")
    assert outcome.remaining == ()


def test_it_stays_where_log_blocks(tmp_path: Path) -> None:
    why = why_not(tmp_path, one("Softplus", X), "softplus", "Softplus", "Log")
    assert why == "its Log blocks too: no Log"
