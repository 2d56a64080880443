"""HardSwish to primitives."""

from pathlib import Path

from tests.unit.convert.rules.harness import after, one, why_not

X = (2, 4, 6, 5)


def test_mul_add_clip_mul(tmp_path: Path) -> None:
    assert after(tmp_path, one("HardSwish", X), "HardSwish") == ["Mul", "Add", "Clip", "Mul"]


def test_it_stays_where_add_blocks(tmp_path: Path) -> None:
    why = why_not(tmp_path, one("HardSwish", X), "hard-swish", "HardSwish", "Add")
    assert why == "its Add blocks too: no Add"
