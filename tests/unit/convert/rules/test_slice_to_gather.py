"""Slice to Gather."""

import numpy as np
from onnx import TensorProto

from tests.unit.convert.rules.drawing import Run, op
from tests.unit.convert.rules.pairs import declined, replaced


def test_backwards() -> None:
    proto = op(
        "Slice",
        Run((2, 6)),
        np.asarray([-1]),
        np.asarray([-100]),
        np.asarray([1]),
        np.asarray([-2]),
    )
    assert replaced("slice-to-gather", proto) == ["Gather 2x3"]


def test_two_axes() -> None:
    proto = op(
        "Slice",
        Run((4, 6)),
        np.asarray([0, 1]),
        np.asarray([4, 3]),
        np.asarray([0, 1]),
        np.asarray([2, 1]),
    )
    assert replaced("slice-to-gather", proto) == ["Gather 2x6", "Gather 2x2"]


def test_attributes() -> None:
    proto = op("Slice", Run((4, 6)), opset=9, starts=[1], ends=[3], axes=[1])
    assert replaced("slice-to-gather", proto) == ["Gather 4x2"]


def test_everything_stay() -> None:
    proto = op("Slice", Run((2, 6)), np.asarray([0]), np.asarray([6]), np.asarray([1]))
    assert declined("slice-to-gather", proto) == "it picks everything"


def test_nothing_stay() -> None:
    proto = op("Slice", Run((2, 6)), np.asarray([3]), np.asarray([3]), np.asarray([1]))
    assert declined("slice-to-gather", proto) == "it picks nothing"


def test_starts_at_run_time_stay() -> None:
    proto = op("Slice", Run((2, 6)), Run((1,), TensorProto.INT64), np.asarray([3]), np.asarray([1]))
    assert declined("slice-to-gather", proto) == "its starts aren't stored"
