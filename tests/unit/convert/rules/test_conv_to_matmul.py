"""A 1x1 convolution to MatMul."""

from pathlib import Path

from tests.unit.convert.rules.harness import after, one, values, why_not

X = (2, 4, 6, 5)


def test_with_and_without_bias(tmp_path: Path) -> None:
    proto = one("Conv", X, values(6, 4, 1, 1), values(6))
    assert after(tmp_path, proto, "Conv") == ["Reshape", "MatMul", "Add", "Reshape"]
    proto = one("Conv", X[:3], values(6, 4, 1))
    assert after(tmp_path, proto, "Conv") == ["Reshape", "MatMul", "Reshape"]


def test_other_kernels_are_refused(tmp_path: Path) -> None:
    why = why_not(tmp_path, one("Conv", X, values(6, 4, 3, 3)), "conv-to-matmul", "Conv")
    assert why == "not a 1x1 convolution of one group"
    strided = one("Conv", X, values(6, 4, 1, 1), strides=[2, 2])
    assert why_not(tmp_path, strided, "conv-to-matmul", "Conv") == "it has strides or pads"
