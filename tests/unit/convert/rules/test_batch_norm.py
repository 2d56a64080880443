"""BatchNormalization to Mul and Add."""

from pathlib import Path

import numpy as np

from tests.unit.convert.rules.harness import after, one, values, why_not

X = (2, 4, 6, 5)
PARAMETERS = (values(4), values(4), values(4), np.abs(values(4)))


def test_mul_add(tmp_path: Path) -> None:
    proto = one("BatchNormalization", X, *PARAMETERS, epsilon=1e-3)
    assert after(tmp_path, proto, "BatchNormalization") == ["Mul", "Add"]


def test_rank_2(tmp_path: Path) -> None:
    proto = one("BatchNormalization", (3, 4), *PARAMETERS)
    assert after(tmp_path, proto, "BatchNormalization") == ["Mul", "Add"]


def test_statistics_made_at_run_time_are_refused(tmp_path: Path) -> None:
    proto = one("BatchNormalization", X, *PARAMETERS[:3], (4,))
    why = why_not(tmp_path, proto, "batch-norm", "BatchNormalization")
    assert why == "its statistics aren't stored"
