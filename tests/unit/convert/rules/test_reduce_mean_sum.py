"""ReduceMean and ReduceSum by each other."""

import numpy as np
from onnx import TensorProto

from tests.unit.convert.rules.drawing import Run, op
from tests.unit.convert.rules.pairs import declined, replaced


def test_mean() -> None:
    proto = op("ReduceMean", Run((2, 3, 4)), axes=[1], keepdims=0)
    assert replaced("reduce-mean-sum", proto) == ["ReduceSum 2x1x4", "Mul 2x1x4", "Reshape 2x4"]


def test_sum() -> None:
    proto = op("ReduceSum", Run((2, 3, 4)), np.asarray([1, 2]))
    assert replaced("reduce-mean-sum", proto) == ["ReduceMean 2x1x1", "Mul 2x1x1"]


def test_float16_stay() -> None:
    proto = op("ReduceMean", Run((2, 3), TensorProto.FLOAT16), axes=[1])
    assert declined("reduce-mean-sum", proto) == "its sums in float16 would overflow"


def test_axes_at_run_time_stay() -> None:
    proto = op("ReduceSum", Run((2, 3)), Run((1,), TensorProto.INT64))
    assert (
        declined("reduce-mean-sum", proto)
        == "its axes or its shape aren't known, or it reduces nothing"
    )
