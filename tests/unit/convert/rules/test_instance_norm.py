"""InstanceNormalization to primitives."""

from pathlib import Path

from tests.unit.convert.rules.harness import after, one, values, why_not

X = (2, 4, 6, 5)
NAME = "InstanceNormalization"


def test_primitives(tmp_path: Path) -> None:
    made = after(tmp_path, one("InstanceNormalization", X, values(4), values(4)), NAME)
    assert made == ["ReduceMean", "Sub", "Mul", "ReduceMean", "Add", "Sqrt", "Div", "Mul", "Add"]


def test_a_scale_made_at_run_time_is_refused(tmp_path: Path) -> None:
    why = why_not(tmp_path, one(NAME, X, (4,), values(4)), "instance-norm", NAME)
    assert why == "its scale or bias isn't stored"
