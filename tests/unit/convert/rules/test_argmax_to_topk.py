"""ArgMax and ArgMin to TopK."""

from onnx import TensorProto

from tests.unit.convert.rules.drawing import Run, op
from tests.unit.convert.rules.pairs import declined, replaced


def test_kept_dimension() -> None:
    proto = op("ArgMin", Run((2, 5)), axis=1)
    assert replaced("argmax-to-topk", proto) == ["TopK 2x1"]


def test_dropped_dimension() -> None:
    proto = op("ArgMax", Run((2, 5)), axis=0, keepdims=0)
    assert replaced("argmax-to-topk", proto) == ["TopK 1x5", "Reshape 5"]


def test_the_last_of_equal_ones_stay() -> None:
    proto = op("ArgMax", Run((2, 5)), select_last_index=1)
    assert declined("argmax-to-topk", proto) == "it picks the last of equal ones"


def test_argmin_of_old_opsets_stay() -> None:
    proto = op("ArgMin", Run((2, 5)), opset=10)
    assert declined("argmax-to-topk", proto) == "TopK takes this from opset 11 on"


def test_other_dtypes_stay() -> None:
    proto = op("ArgMax", Run((2, 5), TensorProto.UINT8))
    assert declined("argmax-to-topk", proto) == "UINT8 isn't sorted"
