"""Gemm to MatMul."""

from pathlib import Path

from tests.unit.convert.rules.harness import after, one, values, why_not


def test_with_everything(tmp_path: Path) -> None:
    proto = one("Gemm", (8, 3), values(6, 8), values(6), transA=1, transB=1, alpha=0.5, beta=2.0)
    assert after(tmp_path, proto, "Gemm") == ["Transpose", "MatMul", "Mul", "Add"]


def test_operands_made_at_run_time(tmp_path: Path) -> None:
    proto = one("Gemm", (3, 8), (6, 8), (6,), transB=1, beta=2.0)
    assert sorted(after(tmp_path, proto, "Gemm")) == ["Add", "MatMul", "Mul", "Transpose"]


def test_without_c(tmp_path: Path) -> None:
    assert after(tmp_path, one("Gemm", (3, 8), values(8, 6)), "Gemm") == ["MatMul"]


def test_it_stays_where_matmul_blocks(tmp_path: Path) -> None:
    why = why_not(tmp_path, one("Gemm", (3, 8), (8, 6)), "gemm-to-matmul", "Gemm", "MatMul")
    assert why == "its MatMul blocks too: no MatMul"
