"""Clip to Max and Min."""

from pathlib import Path

import numpy as np

from tests.unit.convert.rules.harness import after, one, why_not

X = (2, 4, 6, 5)


def limit(value: float) -> np.ndarray:
    return np.array(value, np.float32)


def test_both_limits(tmp_path: Path) -> None:
    assert after(tmp_path, one("Clip", X, limit(-0.5), limit(0.7)), "Clip") == ["Max", "Min"]
    assert after(tmp_path, one("Clip", X, opset=9, min=0.0, max=0.5), "Clip") == ["Max", "Min"]


def test_one_limit(tmp_path: Path) -> None:
    assert after(tmp_path, one("Clip", X, limit(-0.5)), "Clip") == ["Max"]
    assert after(tmp_path, one("Clip", X, None, limit(0.5)), "Clip") == ["Min"]


def test_a_clip_without_limits_is_refused(tmp_path: Path) -> None:
    assert why_not(tmp_path, one("Clip", X), "clip-to-min-max", "Clip") == "it has no limits"
