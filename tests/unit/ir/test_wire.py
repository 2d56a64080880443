"""Weights stay in the file: nothing is lost, nothing is held."""

import random
from pathlib import Path

import numpy as np
import onnx
import onnx_ir as ir
import pytest
from onnx import helper

from hetsched.errors import ModelError
from hetsched.ir.extract import save_whole
from hetsched.ir.load import load
from hetsched.ir.wire import LARGE_BYTES, Weight, WireError, without_weights, write_model
from tests.unit.ir.files import graph, model, run, save, value

ELEMENTS = LARGE_BYTES // 4


def weighty(*, in_constant_op: bool = False) -> onnx.ModelProto:
    """y = x + w + s, with w as large as is left in the file and s just below."""
    rng = np.random.default_rng(0)
    large = rng.standard_normal(ELEMENTS).astype(np.float32)
    small = rng.standard_normal((1, 1)).astype(np.float32)
    nodes = [helper.make_node("Add", ["x", "w"], ["h"]), helper.make_node("Add", ["h", "s"], ["y"])]
    constants = {"w": large, "s": small}
    if in_constant_op:
        stored = onnx.numpy_helper.from_array(constants.pop("w"))
        nodes.insert(0, helper.make_node("Constant", [], ["w"], value=stored))
    return model(graph(nodes, [value("x", (1, 1))], [value("y", (1, ELEMENTS))], constants))


@pytest.mark.parametrize("in_constant_op", [False, True])
def test_large_weights_are_left_in_the_file(tmp_path: Path, in_constant_op: bool) -> None:
    proto = weighty(in_constant_op=in_constant_op)
    path = save(tmp_path / "m.onnx", proto)
    assert len(without_weights(path.read_bytes())) < LARGE_BYTES // 4
    loaded = load(path)
    stored = loaded.onnx().graph.initializers["w"].const_value
    assert isinstance(stored, ir.ExternalTensor)
    feeds = {"x": np.ones((1, 1), np.float32)}
    save_whole(loaded, tmp_path / "whole.onnx")
    assert np.array_equal(run(path, feeds)[0], run(tmp_path / "whole.onnx", feeds)[0])


def test_a_weight_in_a_body_is_read_with_the_body(tmp_path: Path) -> None:
    large = np.arange(ELEMENTS, dtype=np.float32)
    shape = (ELEMENTS,)
    then = graph(
        [helper.make_node("Add", ["x", "w"], ["a"])], [], [value("a", shape)], {"w": large}
    )
    other = graph([helper.make_node("Neg", ["x"], ["b"])], [], [value("b", shape)])
    nodes = [helper.make_node("If", ["c"], ["y"], then_branch=then, else_branch=other)]
    inputs = [value("x", shape), value("c", (), onnx.TensorProto.BOOL)]
    path = save(tmp_path / "m.onnx", model(graph(nodes, inputs, [value("y", shape)])))
    (tmp_path / "elsewhere").mkdir()
    save_whole(load(path), tmp_path / "elsewhere" / "m.onnx")
    feeds = {"x": np.ones(shape, np.float32), "c": np.array(True)}
    assert run(tmp_path / "elsewhere" / "m.onnx", feeds)[0].tolist() == (large + 1).tolist()


def test_the_digest_of_a_weight_is_the_same_wherever_it_is(tmp_path: Path) -> None:
    path = save(tmp_path / "inside.onnx", weighty())
    beside = tmp_path / "beside.onnx"
    onnx.save(weighty(), beside, save_as_external_data=True, location="w", size_threshold=0)
    inside, outside = load(path), load(beside)
    assert inside.prepared_sha256 == outside.prepared_sha256
    assert inside.sha256 != outside.sha256


def test_a_linked_model_reads_its_own_weights(tmp_path: Path) -> None:
    (tmp_path / "blobs").mkdir()
    (tmp_path / "models").mkdir()
    save(tmp_path / "blobs" / "abc", weighty())
    link = tmp_path / "models" / "m.onnx"
    link.symlink_to(tmp_path / "blobs" / "abc")  # as download caches do
    save_whole(load(link), tmp_path / "whole.onnx")
    feeds = {"x": np.ones((1, 1), np.float32)}
    assert np.array_equal(run(link, feeds)[0], run(tmp_path / "whole.onnx", feeds)[0])


def test_a_model_is_not_written_over_itself(tmp_path: Path) -> None:
    path = save(tmp_path / "m.onnx", weighty())
    content = path.read_bytes()
    with pytest.raises(ModelError, match="is the model itself"):
        save_whole(load(path), path)
    assert path.read_bytes() == content


def test_a_weight_of_the_wrong_size_is_refused(tmp_path: Path) -> None:
    proto = weighty()
    proto.graph.initializer[0].dims[0] += 1
    with pytest.raises(ModelError, match=f"'w' .* {LARGE_BYTES} bytes .* {LARGE_BYTES + 4}"):
        load(save(tmp_path / "m.onnx", proto))


def test_stepping_over_weights_changes_nothing_else() -> None:
    proto = weighty()
    found = onnx.ModelProto.FromString(without_weights(proto.SerializeToString()))
    left = found.graph.initializer[0]
    where = {entry.key: entry.value for entry in left.external_data}
    start, size = int(where["offset"]), int(where["length"])
    assert proto.SerializeToString()[start : start + size] == proto.graph.initializer[0].raw_data
    left.ClearField("external_data")
    left.ClearField("data_location")
    left.raw_data = proto.graph.initializer[0].raw_data
    assert found == proto


@pytest.mark.parametrize("content", [b"\xff" * 12, b"\x0b", b"\x0a\x05abc", b"\x09abc"])
def test_bytes_that_are_no_message(content: bytes) -> None:
    with pytest.raises(WireError):
        without_weights(content)


def test_any_bytes_are_a_message_or_refused() -> None:
    rng = random.Random(0)
    for _ in range(500):
        content = bytes(rng.randrange(256) for _ in range(rng.randrange(40)))
        try:
            found = without_weights(content)
        except WireError:
            continue
        assert found == content


def test_a_file_over_two_gib_is_refused_before_it_is_written(tmp_path: Path) -> None:
    tensor = onnx.TensorProto(name="w", data_type=onnx.TensorProto.FLOAT, dims=[2**29])
    weight = Weight(tensor, 2**31, lambda _: None)
    with pytest.raises(ModelError, match="over 2 GiB"):
        write_model(tmp_path / "m.onnx", weighty(), [weight])
    assert not (tmp_path / "m.onnx").exists()
