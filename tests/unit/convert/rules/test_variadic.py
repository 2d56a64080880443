"""Max and Min of many."""

from onnx import TensorProto

from tests.unit.convert.rules.drawing import Run, op
from tests.unit.convert.rules.pairs import declined, replaced


def test_three() -> None:
    proto = op("Max", Run((2, 3)), Run((3,)), Run((1,)))
    assert replaced("variadic", proto) == ["Max 2x3", "Max 2x3"]


def test_four_integers() -> None:
    proto = op("Min", *(Run((2,), TensorProto.INT32) for _ in range(4)))
    assert replaced("variadic", proto) == ["Min 2", "Min 2", "Min 2"]


def test_two_stay() -> None:
    proto = op("Max", Run((2, 3)), Run((3,)))
    assert declined("variadic", proto) == "it has at most two inputs"
