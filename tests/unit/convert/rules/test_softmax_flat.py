"""Softmax over several axes."""

from tests.unit.convert.rules.drawing import Run, op
from tests.unit.convert.rules.pairs import declined, replaced


def test_softmax() -> None:
    proto = op("Softmax", Run((2, 3, 4)), opset=11)
    assert replaced("softmax-flat", proto) == ["Reshape 2x12", "Softmax 2x12", "Reshape 2x3x4"]


def test_log() -> None:
    proto = op("LogSoftmax", Run((2, 3, 4)), axis=0, opset=9)
    assert replaced("softmax-flat", proto) == ["Reshape 1x24", "LogSoftmax 1x24", "Reshape 2x3x4"]


def test_opset_13_stay() -> None:
    proto = op("Softmax", Run((2, 3, 4)), opset=13)
    assert declined("softmax-flat", proto) == "it goes over one axis"


def test_one_axis_stay() -> None:
    proto = op("Softmax", Run((2, 3, 1)), opset=11)
    assert declined("softmax-flat", proto) == "it goes over one axis"
