"""Softmax and LogSoftmax to primitives."""

from pathlib import Path

import pytest

from tests.unit.convert.rules.harness import after, one, why_not

X = (2, 4, 6, 5)


@pytest.mark.parametrize("opset", [12, 17])
def test_softmax(tmp_path: Path, opset: int) -> None:
    made = after(tmp_path, one("Softmax", (3, 7), opset=opset), "Softmax")
    assert made == ["ReduceMax", "Sub", "Exp", "ReduceSum", "Div"]


def test_log_softmax(tmp_path: Path) -> None:
    made = after(tmp_path, one("LogSoftmax", X, axis=1), "LogSoftmax")
    assert made == ["ReduceMax", "Sub", "Exp", "ReduceSum", "Log", "Sub"]


def test_several_axes_of_old_opsets_are_refused(tmp_path: Path) -> None:
    why = why_not(tmp_path, one("Softmax", X, opset=12, axis=1), "softmax", "Softmax")
    assert why == "it goes over several axes, or its shape isn't known"
