"""LRN by AveragePool."""

from onnx import TensorProto

from tests.unit.convert.rules.drawing import Run, op
from tests.unit.convert.rules.pairs import declined, replaced


def test_three_channels() -> None:
    proto = op("LRN", Run((1, 5, 2, 3)), size=3)
    assert replaced("lrn", proto) == [
        "Mul 1x5x2x3",
        "Reshape 1x1x5x6",
        "AveragePool 1x1x5x6",
        "Reshape 1x5x2x3",
        "Mul 1x5x2x3",
        "Add 1x5x2x3",
        "Sqrt 1x5x2x3",
        "Sqrt 1x5x2x3",
        "Mul 1x5x2x3",
        "Div 1x5x2x3",
    ]


def test_another_power() -> None:
    proto = op("LRN", Run((1, 5, 2, 3)), size=3, beta=0.6, alpha=1.0, bias=2.0)
    assert replaced("lrn", proto) == [
        "Mul 1x5x2x3",
        "Reshape 1x1x5x6",
        "AveragePool 1x1x5x6",
        "Reshape 1x5x2x3",
        "Add 1x5x2x3",
        "Pow 1x5x2x3",
        "Div 1x5x2x3",
    ]


def test_integers_stay() -> None:
    proto = op("LRN", Run((1, 5, 2, 3), TensorProto.INT32), size=3)
    assert declined("lrn", proto) == "INT32 isn't float"
