"""Einsum to matrix products."""

from onnx import TensorProto

from tests.unit.convert.rules.drawing import Run, op
from tests.unit.convert.rules.pairs import declined, replaced


def test_attention() -> None:
    proto = op("Einsum", Run((2, 3, 4, 5)), Run((2, 3, 6, 5)), equation="bhid,bhjd->bhij")
    assert replaced("einsum", proto) == [
        "Reshape 6x4x5",
        "Transpose 2x3x5x6",
        "Reshape 6x5x6",
        "MatMul 6x4x6",
        "Reshape 2x3x4x6",
    ]


def test_plain_product() -> None:
    proto = op("Einsum", Run((2, 3)), Run((3, 4)), equation="ij,jk->ik")
    assert replaced("einsum", proto) == ["MatMul 2x4"]


def test_outer_product() -> None:
    proto = op("Einsum", Run((2,)), Run((3,)), equation="i,j->ij")
    assert replaced("einsum", proto) == ["Reshape 2x1", "Reshape 1x3", "MatMul 2x3"]


def test_three_operands() -> None:
    proto = op("Einsum", Run((2, 3)), Run((3, 4)), Run((4, 2)), equation="ij,jk,kl->il")
    assert replaced("einsum", proto) == ["MatMul 2x4", "MatMul 2x2"]


def test_ellipsis() -> None:
    proto = op("Einsum", Run((2, 3, 4)), Run((4, 5)), equation="...ij,jk->...ik")
    assert replaced("einsum", proto) == ["Reshape 6x4", "MatMul 6x5", "Reshape 2x3x5"]


def test_transpose() -> None:
    proto = op("Einsum", Run((2, 3)), equation="ij->ji")
    assert replaced("einsum", proto) == ["Transpose 3x2"]


def test_sum() -> None:
    proto = op("Einsum", Run((2, 3)), equation="ij->i")
    assert replaced("einsum", proto) == ["ReduceSum 2x1", "Reshape 2"]


def test_no_arrow() -> None:
    proto = op("Einsum", Run((2, 3)), Run((3, 4)), equation="ij,jk")
    assert replaced("einsum", proto) == ["MatMul 2x4"]


def test_diagonals_stay() -> None:
    proto = op("Einsum", Run((3, 3)), equation="ii->i")
    assert declined("einsum", proto) == "a letter occurs twice in one operand"


def test_broadcasting_stay() -> None:
    proto = op("Einsum", Run((1, 3, 4)), Run((2, 4, 5)), equation="...ij,...jk->...ik")
    assert declined("einsum", proto) == "an axis broadcasts or is empty"


def test_integers_stay() -> None:
    proto = op("Einsum", Run((2, 3), TensorProto.INT32), equation="ij->ji")
    assert declined("einsum", proto) == "INT32 isn't float"
