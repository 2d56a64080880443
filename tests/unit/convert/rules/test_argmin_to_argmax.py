"""ArgMin to ArgMax."""

from onnx import TensorProto

from tests.unit.convert.rules.drawing import Run, op
from tests.unit.convert.rules.pairs import declined, replaced


def test_negated() -> None:
    proto = op("ArgMin", Run((2, 5)), axis=1, keepdims=0)
    assert replaced("argmin-to-argmax", proto) == ["Neg 2x5", "ArgMax 2"]


def test_integers_stay() -> None:
    proto = op("ArgMin", Run((2, 5), TensorProto.INT32))
    assert declined("argmin-to-argmax", proto) == "INT32 isn't float"
