"""Max and Min to Relu."""

from onnx import TensorProto

from tests.unit.convert.rules.drawing import Run, op
from tests.unit.convert.rules.pairs import declined, replaced


def test_max() -> None:
    proto = op("Max", Run((2, 3)), Run((3,)))
    assert replaced("max-to-relu", proto) == ["Sub 2x3", "Relu 2x3", "Add 2x3"]


def test_min() -> None:
    proto = op("Min", Run((2, 3)), Run((3,)))
    assert replaced("max-to-relu", proto) == ["Sub 2x3", "Relu 2x3", "Sub 2x3"]


def test_three_inputs_stay() -> None:
    proto = op("Max", Run((3,)), Run((3,)), Run((3,)))
    assert declined("max-to-relu", proto) == "not two inputs"


def test_integers_stay() -> None:
    proto = op("Max", Run((3,), TensorProto.INT32), Run((3,), TensorProto.INT32))
    assert declined("max-to-relu", proto) == "INT32 isn't float"
