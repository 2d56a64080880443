"""MatMul to Gemm."""

from pathlib import Path

import pytest

from tests.unit.convert.rules.harness import after, one, values, why_not


@pytest.mark.parametrize("opset", [9, 17])
def test_rank_2(tmp_path: Path, opset: int) -> None:
    proto = one("MatMul", (3, 8), values(8, 6), opset=opset)
    assert after(tmp_path, proto, "MatMul") == ["Gemm"]


def test_higher_ranks_are_flattened(tmp_path: Path) -> None:
    proto = one("MatMul", (2, 3, 8), values(8, 6))
    assert after(tmp_path, proto, "MatMul") == ["Reshape", "Gemm", "Reshape"]


def test_weights_made_at_run_time_are_refused(tmp_path: Path) -> None:
    why = why_not(tmp_path, one("MatMul", (3, 8), (8, 6)), "matmul-to-gemm", "MatMul")
    assert why == "its right side isn't stored 2-D weights"
