"""ONNX files taken apart by node."""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import TensorProto, helper, numpy_helper

from hetsched.errors import ModelError
from hetsched.ir.parts import Port, identity_model, read_nodes


def write(path: Path) -> None:
    """x -> Add(w) -> a -> If(c; reads a and the outer v) -> y, and an unused weight."""
    then = helper.make_graph(
        [helper.make_node("Mul", ["a", "v"], ["t"])],
        "then",
        [],
        [helper.make_tensor_value_info("t", TensorProto.FLOAT, [2])],
    )
    other = helper.make_graph(
        [helper.make_node("Neg", ["a"], ["e"])],
        "else",
        [],
        [helper.make_tensor_value_info("e", TensorProto.FLOAT, [2])],
    )
    nodes = [
        helper.make_node("Add", ["x", "w"], ["a"], "add"),
        helper.make_node("If", ["c"], ["y"], "if", then_branch=then, else_branch=other),
    ]
    stored = [numpy_helper.from_array(np.ones(2, np.float32), name) for name in ("w", "v", "no")]
    inputs = [
        helper.make_tensor_value_info("x", TensorProto.FLOAT, [2]),
        helper.make_tensor_value_info("c", TensorProto.BOOL, []),
        helper.make_tensor_value_info("w", TensorProto.FLOAT, [2]),  # as old files list weights
    ]
    output = helper.make_tensor_value_info("y", TensorProto.FLOAT, [2])
    onnx.save(helper.make_model(helper.make_graph(nodes, "g", inputs, [output], stored)), path)


def test_reads_with_captures(tmp_path: Path) -> None:
    write(tmp_path / "m.onnx")
    found = read_nodes(tmp_path / "m.onnx")
    assert found.inputs == ("x", "c")
    assert found.outputs == ("y",)
    assert found.initializers == {"w", "v", "no"}
    assert [node.reads for node in found.nodes] == [("x", "w"), ("c", "a", "v")]


def test_part_has_only_its_own_weights(tmp_path: Path) -> None:
    write(tmp_path / "m.onnx")
    found = read_nodes(tmp_path / "m.onnx")
    inputs = [Port(name="c", kind="tensor(bool)", shape=()), Port(name="a", kind="tensor(float)")]
    found.save_part([1], inputs, [Port(name="y")], tmp_path / "part.onnx")
    part = onnx.load(tmp_path / "part.onnx")
    assert [node.name for node in part.graph.node] == ["if"]
    assert [tensor.name for tensor in part.graph.initializer] == ["v"]
    assert [value.name for value in part.graph.input] == ["c", "a"]
    assert part.graph.input[0].type.tensor_type.HasField("shape")
    assert not part.graph.input[1].type.tensor_type.HasField("shape")
    assert not part.graph.output[0].HasField("type")


def test_a_stored_value_can_be_an_output(tmp_path: Path) -> None:
    write(tmp_path / "m.onnx")
    read_nodes(tmp_path / "m.onnx").save_part([], [], [Port(name="w")], tmp_path / "part.onnx")
    part = onnx.load(tmp_path / "part.onnx")
    assert [tensor.name for tensor in part.graph.initializer] == ["w"]


@pytest.mark.parametrize(
    "kind",
    [
        "tensor(float)", "tensor(string)", "tensor(bfloat16)", "tensor(float8e4m3fn)",
        "seq(tensor(int64))", "optional(tensor(double))",
        "optional(seq(tensor(float16)))",
    ],
)  # fmt: skip
def test_identity_models(kind: str) -> None:
    session = ort.InferenceSession(identity_model(kind), providers=["CPUExecutionProvider"])
    assert session.get_inputs()[0].type == kind
    assert session.get_outputs()[0].type == kind


@pytest.mark.parametrize(
    ("kind", "message"),
    [("map(int64,tensor(float))", "is no type of"), ("tensor(float7)", "dtype 'float7'")],
)
def test_unknown_types(kind: str, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        identity_model(kind)


def test_what_is_no_model(tmp_path: Path) -> None:
    (tmp_path / "m.onnx").write_bytes(b"\xff\xff\xff")
    with pytest.raises(ModelError, match=r"m\.onnx is no ONNX model"):
        read_nodes(tmp_path / "m.onnx")
    with pytest.raises(ModelError, match=r"can't read .*gone\.onnx"):
        read_nodes(tmp_path / "gone.onnx")
