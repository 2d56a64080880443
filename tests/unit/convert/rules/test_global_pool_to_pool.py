"""Global pools to pools."""

from pathlib import Path

from tests.unit.convert.rules.harness import after, one, why_not

X = (2, 4, 6, 5)


def test_means_and_maxima(tmp_path: Path) -> None:
    for op_type, reduction in (("GlobalAveragePool", "ReduceMean"), ("GlobalMaxPool", "ReduceMax")):
        assert after(tmp_path, one(op_type, X), op_type, reduction) == [op_type[6:]]


def test_one_spatial_axis_is_refused(tmp_path: Path) -> None:
    missing = ("GlobalMaxPool", "ReduceMax")
    why = why_not(tmp_path, one("GlobalMaxPool", X[:3]), "global-pool-to-pool", *missing)
    assert why == "not two spatial axes of known size"
