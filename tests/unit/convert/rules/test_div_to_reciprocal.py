"""Div to Reciprocal."""

from pathlib import Path

import numpy as np

from tests.unit.convert.rules.harness import after, one, values, why_not

X = (2, 4, 6, 5)


def test_a_divisor_made_at_run_time(tmp_path: Path) -> None:
    assert after(tmp_path, one("Div", X, X), "Div") == ["Reciprocal", "Mul"]
    assert after(tmp_path, one("Div", np.array(1, np.float32), X), "Div") == ["Reciprocal"]


def test_a_stored_divisor_is_left_to_mul(tmp_path: Path) -> None:
    proto = one("Div", X, values(4, 1, 1))
    assert why_not(tmp_path, proto, "div-to-reciprocal", "Div", "Mul") == "the divisor is stored"
