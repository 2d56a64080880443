"""A model taken apart without its weights, and what its parts are fed with."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from hetsched.backends.ort.optimize import WEIGHTS_FILE
from hetsched.backends.ort_profile import Fed
from hetsched.cost.measure_edges import can_make_up, made_up
from hetsched.cost.measure_part import _first_run, _with_outputs, part
from hetsched.cost.measure_prepared import Prepared, prepare
from hetsched.errors import BackendError
from hetsched.ir.hollow import hollow_weights
from hetsched.ir.load import load
from hetsched.ir.model import Model


def branches(folder: Path, *, top: bool = False) -> Model:
    """Convolutions of 24 and 40 channels (blocked: 24 or 32, 40 or 48), joined, pooled, multiplied.

    With `top` the result is sorted: how long that takes depends on the values.
    """
    rng = np.random.default_rng(0)
    shapes = {"w1": (24, 8, 3, 3), "w2": (40, 24, 3, 3), "w3": (24, 24, 3, 3), "w4": (64, 9)}
    weights = [
        numpy_helper.from_array(rng.standard_normal(shape).astype(np.float32), name)
        for name, shape in shapes.items()
    ]
    weights.append(numpy_helper.from_array(np.array([1], np.int64), "k"))
    nodes = [
        helper.make_node("Conv", ["X", "w1"], ["a"], "one", pads=[1] * 4),
        helper.make_node("Relu", ["a"], ["b"], "two"),
        helper.make_node("Conv", ["b", "w2"], ["c"], "three", pads=[1] * 4),
        helper.make_node("Conv", ["b", "w3"], ["d"], "four", pads=[1] * 4),
        helper.make_node("Concat", ["c", "d"], ["e"], "five", axis=1),
        helper.make_node("MaxPool", ["e"], ["f"], "six", kernel_shape=[2, 2], strides=[2, 2]),
        helper.make_node("MatMul", ["f", "w4"], ["g"], "seven"),
    ]
    if top:
        nodes.append(helper.make_node("TopK", ["g", "k"], ["Y", "at"], "eight"))
    else:
        nodes.append(helper.make_node("Sigmoid", ["g"], ["Y"], "eight"))
    ports = [
        helper.make_tensor_value_info("X", TensorProto.FLOAT, [1, 8, 128, 128]),
        helper.make_tensor_value_info("Y", TensorProto.FLOAT, [1, 64, 64, 1 if top else 9]),
    ]
    graph = helper.make_graph(nodes, "g", ports[:1], ports[1:], weights)
    opset = helper.make_opsetid("", 17)
    path = folder / f"branches{top}.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[opset], ir_version=8), path)
    return load(path)


def both(model: Model, folder: Path) -> tuple[Prepared, Prepared]:
    """With its weights, and without."""
    made = []
    for hollow in (False, True):
        own = folder / f"hollow{hollow}"
        own.mkdir()
        made.append(prepare(model, 1, own, hollow=hollow))
    return made[0], made[1]


def test_without_weights_a_model_comes_apart_the_same_way(tmp_path: Path) -> None:
    full, hollow = both(branches(tmp_path), tmp_path)
    # ONNX Runtime numbers the values that it adds in an order of its own.
    assert [piece.key for piece in hollow.pieces] == [piece.key for piece in full.pieces]
    assert [node.op_type for node in hollow.file.nodes] == [n.op_type for n in full.file.nodes]
    weights = (tmp_path / "hollowTrue" / WEIGHTS_FILE).read_bytes()
    assert weights
    assert not any(weights)


def shape(value: Fed) -> tuple[int, ...]:
    array = value if isinstance(value, np.ndarray) else value.numpy()  # type: ignore[union-attr]  # tensors only
    return tuple(array.shape)


def test_made_up_values_have_the_shapes_of_real_ones(tmp_path: Path) -> None:
    full, _ = both(branches(tmp_path), tmp_path)
    names = [name for node in full.file.nodes for name in node.outputs]
    _, real = _first_run(full, _with_outputs(full, names))
    found = made_up(full, range(len(full.pieces)), names)
    assert found is not None
    for name in names:
        assert found[name].kind == real[name].kind
        assert shape(found[name].value) == shape(real[name].value)


def test_values_that_matter_are_not_made_up(tmp_path: Path) -> None:
    _, hollow = both(branches(tmp_path, top=True), tmp_path)
    last = next(at for at, piece in enumerate(hollow.pieces) if "TopK" in piece.what)
    assert not can_make_up(hollow, [last])
    assert can_make_up(hollow, [0])
    with pytest.raises(BackendError, match="can't be made up"):
        part(hollow, [last])


def test_only_weights_that_nothing_else_reads_are_hollow(tmp_path: Path) -> None:
    graph = branches(tmp_path, top=True).graph
    read = {op.inputs[1] for op in graph.ops if op.op_type in ("Conv", "MatMul")}
    assert hollow_weights(graph, graph.op) == read
    assert "k" not in read
