"""Gemm and MatMul to a 1x1 convolution."""

from pathlib import Path

from tests.unit.convert.rules.harness import after, one, values, why_not


def test_gemm(tmp_path: Path) -> None:
    proto = one("Gemm", (3, 8), values(6, 8), values(6), transB=1, alpha=0.5, beta=2.0)
    assert after(tmp_path, proto, "Gemm", "MatMul") == ["Reshape", "Conv", "Reshape"]


def test_matmul(tmp_path: Path) -> None:
    proto = one("MatMul", (2, 3, 8), values(8, 6))
    assert after(tmp_path, proto, "MatMul", "Gemm") == ["Reshape", "Conv", "Reshape"]


def test_a_transposed_left_side_is_refused(tmp_path: Path) -> None:
    proto = one("Gemm", (8, 3), values(8, 6), transA=1)
    why = why_not(tmp_path, proto, "product-to-conv", "Gemm", "Transpose")
    assert why == "its left side is transposed"
