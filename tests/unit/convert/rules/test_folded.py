"""What needs no rule: shape arithmetic is folded at loading, under static shapes."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from hetsched.ir.load import load
from hetsched.ir.model import Model

X = (2, 3, 4)


def loaded(folder: Path, nodes: list[onnx.NodeProto], stored: dict[str, Any]) -> Model:
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ("batch", *X[1:]))],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in stored.items()],
    )
    onnx.save(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8),
        folder / "m.onnx",
    )
    return load(folder / "m.onnx", shapes={"x": X})


def ops(model: Model) -> list[str]:
    return [op.op_type for op in model.graph.ops]


def test_a_flattening_by_its_own_shape(tmp_path: Path) -> None:
    node = helper.make_node
    nodes = [
        node("Shape", ["x"], ["s"]),
        node("Gather", ["s", "zero"], ["n"]),
        node("Unsqueeze", ["n", "axes"], ["row"]),
        node("Concat", ["row", "rest"], ["shape"], axis=0),
        node("Reshape", ["x", "shape"], ["y"]),
    ]
    model = loaded(tmp_path, nodes, {"zero": 0, "axes": [0], "rest": [-1]})
    assert ops(model) == ["Reshape"]
    assert model.graph.tensors["y"].shape == (2, 12)


def test_positions_by_range(tmp_path: Path) -> None:
    node = helper.make_node
    nodes = [
        node("Shape", ["x"], ["s"], start=2, end=3),
        node("Squeeze", ["s"], ["n"]),
        node("Range", ["zero", "n", "one"], ["places"]),
        node("Cast", ["places"], ["row"], to=TensorProto.FLOAT),
        node("Add", ["x", "row"], ["y"]),
    ]
    model = loaded(tmp_path, nodes, {"zero": 0, "one": 1})
    assert ops(model) == ["Add"]
    (row,) = set(model.graph.ops[0].inputs) - {"x"}
    assert model.graph.values[row] == (0.0, 1.0, 2.0, 3.0)


def test_masks_by_constant_of_shape(tmp_path: Path) -> None:
    node = helper.make_node
    ones = numpy_helper.from_array(np.asarray([1], np.float32))
    nodes = [
        node("Shape", ["x"], ["s"]),
        node("ConstantOfShape", ["s"], ["mask"], value=ones),
        node("Dropout", ["x"], ["same"]),
        node("Mul", ["same", "mask"], ["y"]),
    ]
    assert ops(loaded(tmp_path, nodes, {})) == ["Mul"]


def test_shapes_are_known_behind_group_normalization(tmp_path: Path) -> None:
    norm = helper.make_node("GroupNormalization", ["x", "scale", "bias"], ["a"], num_groups=3)
    graph = helper.make_graph(
        [norm, helper.make_node("Flatten", ["a"], ["y"])],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, X)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(np.ones(3, np.float32), name) for name in ("scale", "bias")],
    )
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    onnx.save(proto, tmp_path / "m.onnx")
    assert load(tmp_path / "m.onnx").graph.tensors["y"].shape == (2, 12)
