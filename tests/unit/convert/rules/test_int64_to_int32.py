"""int64 to int32 where all numbers fit."""

import numpy as np
from onnx import TensorProto

from tests.unit.convert.rules.drawing import Run, model, op
from tests.unit.convert.rules.pairs import declined, replaced


def test_stored_indices() -> None:
    proto = op("Gather", Run((3, 4)), np.asarray([2, 0]), axis=0)
    assert replaced("int64-to-int32", proto) == ["Gather 2x4"]


def test_after_a_cast_from_int8() -> None:
    proto = model(
        [
            ("Cast", [Run((3,), TensorProto.INT8)], {"to": 7}),
            ("Mul", ["@0", np.asarray([1000])], {}),
        ]
    )
    assert replaced("int64-to-int32", proto) == ["Cast 3", "Cast 3", "Mul 3", "Cast 3"]


def test_comparisons() -> None:
    proto = model([("ArgMax", [Run((3, 4))], {"axis": 1}), ("Less", ["@0", np.asarray([2])], {})])
    assert replaced("int64-to-int32", proto) == ["ArgMax 3x1", "Cast 3x1", "Less 3x1"]


def test_inputs_of_the_model_stay() -> None:
    proto = op("Add", Run((3,), TensorProto.INT64), np.asarray([1]))
    assert declined("int64-to-int32", proto) == "nobody tells that 'i0_0' fits into int32"


def test_results_that_may_not_fit_stay() -> None:
    proto = model(
        [
            ("Cast", [Run((3,), TensorProto.INT32)], {"to": 7}),
            ("Mul", ["@0", np.asarray([1000])], {}),
        ]
    )
    assert declined("int64-to-int32", proto) == "its result may not fit into int32"


def test_floats_stay() -> None:
    proto = op("Add", Run((3,)), Run((3,)))
    assert declined("int64-to-int32", proto) == "it has no int64 that could be int32"


def test_what_was_float_stays() -> None:
    proto = model([
        ("Cast", [Run((3,), TensorProto.INT32)], {"to": int(TensorProto.FLOAT)}),
        ("Cast", ["@0"], {"to": int(TensorProto.INT64)}),
        ("Max", ["@1", np.asarray([0])], {}),
    ])  # fmt: skip
    assert declined("int64-to-int32", proto) == "nobody tells that '@1' fits into int32"
