"""Values of constants, whatever their dtype."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from hetsched.errors import ModelError
from hetsched.ir.constants import constant
from hetsched.ir.load import load
from hetsched.ir.model import Model


@pytest.fixture
def model(tmp_path: Path) -> Model:
    stored = {"c": np.array([1, 2], np.float32), "s": np.array(["a", "é"], object)}
    graph = helper.make_graph(
        [helper.make_node("Relu", ["x"], ["y"])],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [2])],
        [
            helper.make_tensor_value_info("y", TensorProto.FLOAT, [2]),
            helper.make_tensor_value_info("c", TensorProto.FLOAT, [2]),
            helper.make_tensor_value_info("s", TensorProto.STRING, [2]),
        ],
        [numpy_helper.from_array(array, name) for name, array in stored.items()],
    )
    path = tmp_path / "m.onnx"
    onnx.save(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), path
    )
    return load(path)


def test_values(model: Model) -> None:
    np.testing.assert_array_equal(constant(model, "c"), np.array([1, 2], np.float32))
    assert constant(model, "s").tolist() == ["a", "é"]


def test_an_unknown_name_is_named(model: Model) -> None:
    with pytest.raises(ModelError, match="the model has no constant 'x'"):
        constant(model, "x")
