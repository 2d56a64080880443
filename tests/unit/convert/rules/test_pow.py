"""Pow to Mul, Sqrt or Reciprocal."""

from pathlib import Path

import numpy as np
import pytest

from tests.unit.convert.rules.harness import after, one, why_not

X = (2, 4, 6, 5)


@pytest.mark.parametrize(
    ("exponent", "made"),
    [(2, ["Mul"]), (3, ["Mul", "Mul"]), (0.5, ["Sqrt"]), (-1, ["Reciprocal"])],
)
def test_known_exponents(tmp_path: Path, exponent: float, made: list[str]) -> None:
    proto = one("Pow", X, np.array(exponent, np.float32), before="Abs")
    assert after(tmp_path, proto, "Pow") == ["Abs", *made]


def test_other_exponents_are_refused(tmp_path: Path) -> None:
    proto = one("Pow", X, np.array(1.5, np.float32), before="Abs")
    assert why_not(tmp_path, proto, "pow", "Pow") == "exponent 1.5, not 2, 3, 0.5 or -1"
