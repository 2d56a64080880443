"""Global pools to reductions."""

from pathlib import Path

import pytest

from tests.unit.convert.rules.harness import after, one, why_not

X = (2, 4, 6, 5)


@pytest.mark.parametrize("opset", [9, 18])
def test_means_and_maxima(tmp_path: Path, opset: int) -> None:
    for op_type, made in (("GlobalAveragePool", "ReduceMean"), ("GlobalMaxPool", "ReduceMax")):
        assert after(tmp_path, one(op_type, X, opset=opset), op_type, op_type[6:]) == [made]


def test_it_stays_where_reductions_block(tmp_path: Path) -> None:
    missing = ("GlobalMaxPool", "ReduceMax", "MaxPool")
    why = why_not(tmp_path, one("GlobalMaxPool", X), "global-pool-to-reduce", *missing)
    assert why == "its ReduceMax blocks too: no ReduceMax"
