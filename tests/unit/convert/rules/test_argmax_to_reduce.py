"""ArgMax to the largest number of a ramp over the places of the maximum."""

from onnx import TensorProto

from tests.unit.convert.rules.drawing import Run, op
from tests.unit.convert.rules.pairs import declined, replaced


def test_first_of_equal_ones() -> None:
    proto = op("ArgMax", Run((2, 5)), axis=1, keepdims=0)
    assert replaced("argmax-to-reduce", proto) == [
        "ReduceMax 2x1",
        "Equal 2x5",
        "Cast 2x5",
        "Mul 2x5",
        "ReduceMax 2x1",
        "Neg 2x1",
        "Add 2x1",
        "Cast 2x1",
        "Reshape 2",
    ]


def test_last_of_equal_ones() -> None:
    proto = op("ArgMax", Run((2, 5)), axis=0, select_last_index=1)
    assert replaced("argmax-to-reduce", proto) == [
        "ReduceMax 1x5",
        "Equal 2x5",
        "Cast 2x5",
        "Mul 2x5",
        "ReduceMax 1x5",
        "Add 1x5",
        "Cast 1x5",
    ]


def test_old_opsets_stay() -> None:
    proto = op("ArgMax", Run((2, 5)), opset=10)
    assert declined("argmax-to-reduce", proto) == "Equal takes floats from opset 11 on"


def test_other_dtypes_stay() -> None:
    proto = op("ArgMax", Run((2, 5), TensorProto.UINT8))
    assert declined("argmax-to-reduce", proto) == "UINT8 isn't compared everywhere"
