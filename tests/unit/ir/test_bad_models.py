"""Files that can't be used: each is refused in one line that says what would be accepted."""

import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from hetsched.errors import ModelError
from hetsched.ir.load import load
from tests.unit.ir.files import graph, model, relu_chain, save, value


def refusal(path: Path, **shapes: tuple[int, ...]) -> str:
    with pytest.raises(ModelError) as caught:
        load(path, shapes=shapes)
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_missing_file(tmp_path: Path) -> None:
    assert "doesn't exist" in refusal(tmp_path / "no.onnx")


def test_directory(tmp_path: Path) -> None:
    assert "is a directory" in refusal(tmp_path)


def test_saved_model(tmp_path: Path) -> None:
    (tmp_path / "saved_model.pb").touch()
    assert "python -m tf2onnx.convert --saved-model" in refusal(tmp_path)


def test_empty_file(tmp_path: Path) -> None:
    (tmp_path / "m.onnx").touch()
    assert "is empty" in refusal(tmp_path / "m.onnx")


def test_garbage(tmp_path: Path) -> None:
    (tmp_path / "m.onnx").write_bytes(bytes(range(256)))
    assert "truncated or no ONNX model" in refusal(tmp_path / "m.onnx")


def test_truncated_file(tmp_path: Path) -> None:
    path = save(tmp_path / "m.onnx", relu_chain(5))
    path.write_bytes(path.read_bytes()[:-20])
    assert "truncated or no ONNX model" in refusal(path)


@pytest.mark.parametrize(
    ("name", "content", "converter"),
    [
        ("m.pth", b"\x80\x02}q\x00.", "torch.onnx.export"),
        ("m.tflite", b"\x1c\0\0\0TFL3" + b"\0" * 9, "tf2onnx"),
        ("m.onnx", b"\x1c\0\0\0TFL3" + b"\0" * 9, "tf2onnx"),
        ("m.pb", b"\x0a\x07unknown", "tf2onnx"),
        ("m.h5", b"\x89HDF\r\n\x1a\n", "tf2onnx"),
        ("m.caffemodel", b"\x0a\x03net\xff", "caffe2onnx"),
        ("m.prototxt", b'name: "n"\nlayer {\n bottom: "data"\n}', "caffe2onnx"),
        ("m.mlmodel", b"\x08\x01\xff", "onnxmltools"),
        ("m.param", b"7767517\n3 3\n", "trained in"),
        ("m.ort", b"\x10\0\0\0ORTM", "the ONNX file"),
        ("m.pkl", pickle.dumps({"a": 1}), "skl2onnx"),
        ("m.safetensors", b"\x08\0\0\0\0\0\0\0{}", "torch.onnx.export"),
    ],
)  # fmt: skip
def test_other_formats_name_their_converter(
    tmp_path: Path, name: str, content: bytes, converter: str
) -> None:
    (tmp_path / name).write_bytes(content)
    message = refusal(tmp_path / name)
    assert "not ONNX" in message
    assert converter in message


@pytest.mark.parametrize("name", ["m.pt", "m.onnx", "checkpoint"])
def test_torch_archives_are_known_by_what_is_in_them(tmp_path: Path, name: str) -> None:
    with zipfile.ZipFile(tmp_path / name, "w") as archive:
        archive.writestr("m/data.pkl", b"")
    assert "torch.onnx.export" in refusal(tmp_path / name)


def edited(change: Callable[[onnx.ModelProto], object], tmp_path: Path) -> Path:
    proto = relu_chain(2)
    change(proto)
    return save(tmp_path / "m.onnx", proto)


def test_future_opset(tmp_path: Path) -> None:
    path = edited(lambda m: setattr(m.opset_import[0], "version", 99), tmp_path)
    message = refusal(path)
    assert "needs opset 99 of ai.onnx; 1 to " in message


def test_future_format(tmp_path: Path) -> None:
    assert "IR version 99" in refusal(edited(lambda m: setattr(m, "ir_version", 99), tmp_path))


def test_unknown_op(tmp_path: Path) -> None:
    def change(proto: onnx.ModelProto) -> None:
        proto.graph.node[1].op_type = "Relux"
        proto.graph.node[1].name = "second"

    assert "op 'Relux' (node 'second')" in refusal(edited(change, tmp_path))


def test_an_op_of_a_later_opset(tmp_path: Path) -> None:
    path = edited(lambda m: setattr(m.graph.node[1], "op_type", "Gelu"), tmp_path)
    assert "isn't in opset 17 of ai.onnx: it came with 20" in refusal(path)


def test_an_op_that_was_taken_out(tmp_path: Path) -> None:
    path = edited(lambda m: setattr(m.graph.node[1], "op_type", "Upsample"), tmp_path)
    assert "was taken out of ai.onnx in opset 10" in refusal(path)


def test_custom_domain(tmp_path: Path) -> None:
    path = edited(lambda m: setattr(m.graph.node[0], "domain", "acme"), tmp_path)
    message = refusal(path)
    assert "op 'Relu' (node that makes 't1')" in message
    assert "custom op of domain 'acme'" in message


def test_unknown_contributed_op(tmp_path: Path) -> None:
    path = edited(lambda m: setattr(m.graph.node[0], "domain", "com.microsoft"), tmp_path)
    assert "none of ONNX Runtime's ops in com.microsoft" in refusal(path)


def test_domain_without_opset(tmp_path: Path) -> None:
    path = edited(lambda m: m.ClearField("opset_import"), tmp_path)
    assert "imports no opset" in refusal(path)


@pytest.mark.parametrize(
    ("node", "told"),
    [
        (helper.make_node("Relu", ["x", "x"], ["t1"]), "2 inputs; 1 are accepted"),
        (helper.make_node("Add", ["x"], ["t1"]), "1 inputs; 2 are accepted"),
        (helper.make_node("Relu", ["x"], ["t1"], alpha=1.0), "no attribute 'alpha': it has none"),
        (helper.make_node("Concat", ["x"], ["t1"]), "lacks its attribute 'axis'"),
    ],
)
def test_wrong_signatures(tmp_path: Path, node: onnx.NodeProto, told: str) -> None:
    path = edited(lambda m: m.graph.node[0].CopyFrom(node), tmp_path)
    assert told in refusal(path)


def test_cycle(tmp_path: Path) -> None:
    def change(proto: onnx.ModelProto) -> None:
        proto.graph.node[0].CopyFrom(helper.make_node("Add", ["x", "t2"], ["t1"], name="first"))
        proto.graph.node[1].name = "second"

    message = refusal(edited(change, tmp_path))
    assert "has a cycle" in message
    assert "'first'" in message
    assert "'second'" in message


def test_a_cycle_through_a_body(tmp_path: Path) -> None:
    branch = graph([helper.make_node("Relu", ["z"], ["b"])], [], [value("b")])
    nodes = [
        helper.make_node("If", ["c"], ["y"], then_branch=branch, else_branch=branch, name="choice"),
        helper.make_node("Relu", ["y"], ["z"], name="after"),
    ]
    made = graph(nodes, [value("c", (), TensorProto.BOOL)], [value("z")])
    assert "has a cycle" in refusal(save(tmp_path / "m.onnx", model(made)))


def test_a_tensor_that_nobody_makes(tmp_path: Path) -> None:
    def change(proto: onnx.ModelProto) -> None:
        proto.graph.node[1].input[0] = "ghost"

    message = refusal(edited(change, tmp_path))
    assert "node that makes 't2'" in message
    assert "reads 'ghost', which nobody makes" in message


def test_an_output_that_nobody_makes(tmp_path: Path) -> None:
    path = edited(lambda m: setattr(m.graph.output[0], "name", "ghost"), tmp_path)
    assert "output 'ghost'" in refusal(path)


def test_a_tensor_made_twice(tmp_path: Path) -> None:
    def change(proto: onnx.ModelProto) -> None:
        proto.graph.node.append(helper.make_node("Neg", ["x"], ["t1"]))

    assert "tensor 't1'" in refusal(edited(change, tmp_path))


def test_no_ops(tmp_path: Path) -> None:
    def change(proto: onnx.ModelProto) -> None:
        proto.graph.ClearField("node")
        proto.graph.output[0].name = "x"

    assert "has no ops" in refusal(edited(change, tmp_path))


def test_a_missing_shape_names_the_input_and_the_option(tmp_path: Path) -> None:
    path = save(tmp_path / "m.onnx", relu_chain(shape=("batch", 3, "h", "w")))
    message = refusal(path)
    assert "input 'x' has no static shape but [batch, 3, h, w]" in message
    assert "--shape x=1,3,480,640" in message


def test_a_missing_rank(tmp_path: Path) -> None:
    path = save(tmp_path / "m.onnx", relu_chain(shape=None))
    assert "input 'x' has no static shape but of unknown rank" in refusal(path)
    assert load(path, shapes={"x": (2, 2)}).graph.tensors["t2"].shape == (2, 2)


@pytest.mark.parametrize("shape", [(1, 4, 8, 8), (1, 3, 8), (-1, 3, 8, 8)])
def test_shapes_that_do_not_fit(tmp_path: Path, shape: tuple[int, ...]) -> None:
    path = save(tmp_path / "m.onnx", relu_chain(shape=("batch", 3, "h", "w")))
    message = refusal(path, x=shape)
    assert "doesn't fit input 'x', which is [batch, 3, h, w]" in message
    assert ",".join(map(str, shape)) in message


def test_a_shape_for_an_input_that_is_not_there(tmp_path: Path) -> None:
    message = refusal(save(tmp_path / "m.onnx", relu_chain()), image=(1, 4))
    assert "no input 'image': it has x" in message


def with_weights(location: str, tmp_path: Path, offset: str = "0", length: str = "16") -> Path:
    tensor = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[4])
    tensor.data_location = TensorProto.EXTERNAL
    for key, text in (("location", location), ("offset", offset), ("length", length)):
        tensor.external_data.add(key=key, value=text)
    nodes = [helper.make_node("Add", ["x", "w"], ["y"])]
    made = graph(nodes, [value("x")], [value("y")])
    made.initializer.append(tensor)
    folder = tmp_path / "inside"
    folder.mkdir()
    (tmp_path / "secret.bin").write_bytes(bytes(64))
    (folder / "weights.bin").write_bytes(bytes(16))
    (folder / "link.bin").symlink_to(tmp_path / "secret.bin")
    return save(folder / "m.onnx", model(made))


def test_external_data_beside_the_model_is_fine(tmp_path: Path) -> None:
    loaded = load(with_weights("weights.bin", tmp_path))
    assert loaded.graph.values["w"] == (0.0, 0.0, 0.0, 0.0)


@pytest.mark.parametrize("location", ["../secret.bin", "sub/../../secret.bin", "link.bin"])
def test_external_data_may_not_leave_the_folder(tmp_path: Path, location: str) -> None:
    message = refusal(with_weights(location, tmp_path))
    assert "tensor 'w'" in message
    assert repr(location) in message
    assert "outside of the model's folder" in message


def test_external_data_may_not_be_absolute(tmp_path: Path) -> None:
    location = str(tmp_path / "inside" / "weights.bin")
    assert "outside of the model's folder" in refusal(with_weights(location, tmp_path))


def test_missing_external_data(tmp_path: Path) -> None:
    assert "'gone.bin', which doesn't exist" in refusal(with_weights("gone.bin", tmp_path))


def test_short_external_data(tmp_path: Path) -> None:
    message = refusal(with_weights("weights.bin", tmp_path, offset="8"))
    assert "too short: 16 bytes of 24" in message


@pytest.mark.parametrize("text", ["-1", "x", "1e3"])
def test_external_data_at_no_number(tmp_path: Path, text: str) -> None:
    assert f"offset {text!r}" in refusal(with_weights("weights.bin", tmp_path, offset=text))


def test_external_data_of_another_size(tmp_path: Path) -> None:
    message = refusal(with_weights("weights.bin", tmp_path, length="8"))
    assert "8 bytes of external data; its shape needs 16" in message


@pytest.mark.parametrize(
    ("tensor", "told"),
    [
        (TensorProto(data_type=1, dims=[3], raw_data=bytes(8)), "8 bytes where its shape needs 12"),
        (TensorProto(data_type=1, dims=[3], float_data=[1.0]), "1 stored elements"),
        (TensorProto(data_type=99, dims=[1], raw_data=bytes(4)), "unknown data type 99"),
        (TensorProto(data_type=1, dims=[-1], raw_data=bytes(4)), "dimensions are at least 0"),
    ],
)
def test_unsound_tensors(tmp_path: Path, tensor: TensorProto, told: str) -> None:
    tensor.name = "w"
    path = edited(lambda m: m.graph.initializer.append(tensor), tmp_path)
    message = refusal(path)
    assert "tensor 'w'" in message
    assert told in message


def test_four_bit_and_string_tensors_are_sound(tmp_path: Path) -> None:
    proto = relu_chain()
    made = [
        helper.make_tensor("q", TensorProto.INT4, [3], [1, -2, 3]),
        helper.make_tensor("s", TensorProto.STRING, [2], [b"a", b"b"]),
        helper.make_tensor("z", TensorProto.FLOAT, [0, 4], np.empty((0, 4))),
        helper.make_tensor("h", TensorProto.BFLOAT16, [2], [1.0, 2.0]),
    ]
    proto.graph.initializer.extend(made)
    assert len(load(save(tmp_path / "m.onnx", proto)).graph.ops) == 2


def test_a_name_may_mean_something_else_in_a_body(tmp_path: Path) -> None:
    inner = [helper.make_node("Relu", ["x"], ["y"]), helper.make_node("Relu", ["y"], ["b"])]
    branch = graph(inner, [], [value("b")])
    nodes = [
        helper.make_node("If", ["c"], ["z"], then_branch=branch, else_branch=branch),
        helper.make_node("Relu", ["z"], ["y"]),
    ]
    given = [value("c", (), TensorProto.BOOL), value("x")]
    made = graph(nodes, given, [value("y")])
    loaded = load(save(tmp_path / "m.onnx", model(made)))
    assert [op.op_type for op in loaded.graph.ops] == ["If", "Relu"]


def test_maps_are_refused_with_the_way_out(tmp_path: Path) -> None:
    mapped = helper.make_map_type_proto(
        TensorProto.INT64, helper.make_tensor_type_proto(TensorProto.FLOAT, [])
    )
    kind = helper.make_sequence_type_proto(mapped)
    nodes = [helper.make_node("ZipMap", ["x"], ["y"], "zip", domain="ai.onnx.ml")]
    made = graph(nodes, [value("x")], [helper.make_value_info("y", kind)])
    told = refusal(save(tmp_path / "m.onnx", model(made, ai_onnx_ml=3)))
    assert "output 'y'" in told
    assert "is or holds a map" in told
    assert "zipmap=False" in told
