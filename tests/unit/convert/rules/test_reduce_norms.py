"""Norms and logarithms of sums to ReduceSum."""

from onnx import TensorProto

from tests.unit.convert.rules.drawing import Run, op
from tests.unit.convert.rules.pairs import declined, replaced


def test_l1() -> None:
    proto = op("ReduceL1", Run((2, 3, 4)), axes=[1], keepdims=0)
    assert replaced("reduce-norms", proto) == ["Abs 2x3x4", "ReduceSum 2x1x4", "Reshape 2x4"]


def test_l2() -> None:
    proto = op("ReduceL2", Run((2, 3, 4)), axes=[1], keepdims=0)
    assert replaced("reduce-norms", proto) == [
        "Mul 2x3x4",
        "ReduceSum 2x1x4",
        "Sqrt 2x1x4",
        "Reshape 2x4",
    ]


def test_sumsquare() -> None:
    proto = op("ReduceSumSquare", Run((2, 3, 4)), axes=[1], keepdims=0)
    assert replaced("reduce-norms", proto) == ["Mul 2x3x4", "ReduceSum 2x1x4", "Reshape 2x4"]


def test_logsum() -> None:
    proto = op("ReduceLogSum", Run((2, 3, 4)), axes=[1], keepdims=0)
    assert replaced("reduce-norms", proto) == ["ReduceSum 2x1x4", "Log 2x1x4", "Reshape 2x4"]


def test_logsumexp() -> None:
    proto = op("ReduceLogSumExp", Run((2, 3, 4)), axes=[1], keepdims=0)
    assert replaced("reduce-norms", proto) == [
        "ReduceMax 2x1x4",
        "Sub 2x3x4",
        "Exp 2x3x4",
        "ReduceSum 2x1x4",
        "Log 2x1x4",
        "Add 2x1x4",
        "Reshape 2x4",
    ]


def test_integers_stay() -> None:
    proto = op("ReduceL1", Run((2, 3), TensorProto.INT32), axes=[1])
    assert declined("reduce-norms", proto) == "INT32 isn't float"
