"""Clip to Relu."""

from pathlib import Path

import numpy as np

from tests.unit.convert.rules.harness import after, one, why_not

X = (2, 4, 6, 5)


def limit(value: float) -> np.ndarray:
    return np.array(value, np.float32)


def test_from_0_up_is_relu(tmp_path: Path) -> None:
    assert after(tmp_path, one("Clip", X, limit(0)), "Clip", "Max") == ["Relu"]


def test_limits_move_its_zero(tmp_path: Path) -> None:
    proto = one("Clip", X, limit(-0.5), limit(0.7))
    below = ["Add", "Relu", "Add"]
    above = ["Neg", "Add", "Relu", "Neg", "Add"]
    assert after(tmp_path, proto, "Clip", "Max") == below + above


def test_relu6(tmp_path: Path) -> None:
    made = after(tmp_path, one("Clip", X, opset=9, min=0.0, max=6.0), "Clip", "Max")
    assert made == ["Relu", "Neg", "Add", "Relu", "Neg", "Add"]


def test_swapped_limits_are_refused(tmp_path: Path) -> None:
    proto = one("Clip", X, limit(1), limit(-1))
    assert "over its upper limit" in why_not(tmp_path, proto, "clip-to-relu", "Clip", "Max")


def test_a_limit_made_at_run_time_is_refused(tmp_path: Path) -> None:
    why = why_not(tmp_path, one("Clip", X, ()), "clip-to-relu", "Clip", "Max")
    assert why == "a limit isn't stored"
