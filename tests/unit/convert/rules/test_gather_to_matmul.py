"""Gather to a product with 0 and 1."""

import numpy as np
from onnx import TensorProto

from tests.unit.convert.rules.drawing import Run, op
from tests.unit.convert.rules.pairs import declined, replaced


def test_last_axis() -> None:
    proto = op("Gather", Run((2, 6)), np.asarray([5, 0]), axis=1)
    assert replaced("gather-to-matmul", proto) == ["MatMul 2x2"]


def test_rows() -> None:
    proto = op("Gather", Run((2, 6)), np.asarray([[1, 0]]), axis=0)
    assert replaced("gather-to-matmul", proto) == ["MatMul 2x6", "Reshape 1x2x6"]


def test_other_axes_stay() -> None:
    proto = op("Gather", Run((2, 6, 3)), np.asarray([1, 0]), axis=0)
    assert declined("gather-to-matmul", proto) == "not one of the last two axes"


def test_integers_stay() -> None:
    proto = op("Gather", Run((2, 6), TensorProto.INT32), np.asarray([1, 0]), axis=0)
    assert declined("gather-to-matmul", proto) == "INT32 isn't float"


def test_large_matrices_stay() -> None:
    proto = op("Gather", Run((2, 2000)), np.zeros(2000, np.int64), axis=1)
    assert declined("gather-to-matmul", proto) == "its matrix would have 4000000 numbers"
