"""Loading: shapes, simplification, names, digests."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from hetsched.ir.load import load
from tests.unit.ir.files import Array, graph, model, relu_chain, run, save, value


def test_a_static_model_needs_no_shapes(tmp_path: Path) -> None:
    loaded = load(save(tmp_path / "small.onnx", relu_chain()))
    assert loaded.name == "small"
    assert loaded.ref == str(tmp_path / "small.onnx")
    assert loaded.path == tmp_path / "small.onnx"
    assert loaded.shapes == {"x": (1, 4)}
    assert [op.op_type for op in loaded.graph.ops] == ["Relu", "Relu"]
    assert loaded.graph.tensors["t1"].shape == (1, 4)


def test_symbolic_dimensions_are_frozen_and_followed(tmp_path: Path) -> None:
    path = save(tmp_path / "m.onnx", relu_chain(shape=("batch", 4)))
    loaded = load(path, shapes={"x": (3, 4)})
    assert loaded.shapes == {"x": (3, 4)}
    assert loaded.graph.tensors["t2"].shape == (3, 4)


def test_stale_declarations_give_way_to_inference(tmp_path: Path) -> None:
    proto = relu_chain(shape=("batch", 4))
    proto.graph.value_info.append(value("t1", (1, 4)))  # exported with a batch of 1
    loaded = load(save(tmp_path / "m.onnx", proto), shapes={"x": (3, 4)})
    assert loaded.graph.tensors["t1"].shape == (3, 4)


def test_a_declared_output_of_another_rank_gives_way_to_what_folding_finds(tmp_path: Path) -> None:
    # An exporter's dynamic axes named another output: ONNX Runtime only warns of it.
    nodes = [
        helper.make_node("Shape", ["x"], ["shape"]),
        helper.make_node("Gather", ["shape", "zero"], ["steps"]),
        # Inference sees no values through this old form.
        helper.make_node("Unsqueeze", ["steps"], ["row"], axes=[0]),
        helper.make_node("Concat", ["row", "rest"], ["target"], axis=0),
        helper.make_node("Reshape", ["x", "target"], ["y"]),
    ]
    constants = {"zero": np.array(0), "rest": np.array([1, -1])}
    made = graph(nodes, [value("x", ("n", 6))], [value("y", (1, "length"))], constants)
    loaded = load(save(tmp_path / "m.onnx", model(made, opset=12)), shapes={"x": (4, 6)})
    # 4 x 6 elements in 4 rows of 1 x 6
    assert loaded.graph.tensors["y"].shape == (4, 1, 6)


def test_chains_over_shapes_are_folded(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Shape", ["x"], ["shape"]),
        helper.make_node("Gather", ["shape", "zero"], ["batch"]),
        helper.make_node("Concat", ["batch", "rest"], ["target"], axis=0),
        helper.make_node("Reshape", ["x", "target"], ["y"]),
    ]
    constants = {"zero": np.array([0]), "rest": np.array([-1])}
    made = graph(nodes, [value("x", ("n", 2, 3))], [value("y", (None, None))], constants)
    loaded = load(save(tmp_path / "m.onnx", model(made)), shapes={"x": (5, 2, 3)})
    (reshape,) = loaded.graph.ops
    assert loaded.graph.values[reshape.inputs[1]] == (5, -1)
    assert loaded.graph.tensors["y"].shape == (5, 6)


def test_inputs_that_are_stored_are_constants(tmp_path: Path) -> None:
    nodes = [helper.make_node("Add", ["x", "w"], ["y"])]
    constants = {"w": np.ones((1, 4), np.float32)}
    made = graph(nodes, [value("x"), value("w")], [value("y")], constants)
    loaded = load(save(tmp_path / "m.onnx", model(made)))
    assert loaded.graph.inputs == ("x",)
    assert loaded.graph.constants == {"w"}
    assert loaded.graph.values["w"] == (1.0, 1.0, 1.0, 1.0)


def test_constant_ops_become_constants(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Constant", [], ["w"], value_floats=[1.0, 2.0, 3.0, 4.0]),
        helper.make_node("Add", ["x", "w"], ["y"]),
    ]
    loaded = load(save(tmp_path / "m.onnx", model(graph(nodes, [value("x")], [value("y")]))))
    assert [op.op_type for op in loaded.graph.ops] == ["Add"]
    assert loaded.graph.values["w"] == (1.0, 2.0, 3.0, 4.0)


def test_names_are_kept_where_unique_and_made_where_not(tmp_path: Path) -> None:
    proto = relu_chain(4)
    for node, name in zip(proto.graph.node, ["a", "", "a", "Relu_1"], strict=True):
        node.name = name
    loaded = load(save(tmp_path / "m.onnx", proto))
    # The second op has no name; `Relu_1` is taken by the fourth. The third repeats `a`.
    assert [op.name for op in loaded.graph.ops] == ["a", "Relu_1_1", "a_1", "Relu_1"]


def test_ops_are_sorted(tmp_path: Path) -> None:
    proto = relu_chain(3)
    nodes = list(proto.graph.node)
    del proto.graph.node[:]
    proto.graph.node.extend(reversed(nodes))
    loaded = load(save(tmp_path / "m.onnx", proto))
    assert [op.outputs for op in loaded.graph.ops] == [("t1",), ("t2",), ("t3",)]


def test_loading_is_repeatable_and_sees_changes(tmp_path: Path) -> None:
    path = save(tmp_path / "m.onnx", relu_chain(shape=("n", 4)))
    first, second = (load(path, shapes={"x": (2, 4)}) for _ in range(2))
    assert first == second
    other_shape = load(path, shapes={"x": (3, 4)})
    assert other_shape.sha256 == first.sha256
    assert other_shape.prepared_sha256 != first.prepared_sha256


@pytest.mark.parametrize("where", ["constant", "attribute", "body"])
def test_the_prepared_digest_covers_every_value(tmp_path: Path, where: str) -> None:
    def digest(number: float) -> str:
        path = save(tmp_path / "m.onnx", _with_value(where, number))
        return load(path).prepared_sha256

    assert digest(1.0) == digest(1.0)
    assert digest(1.0) != digest(2.0)


def _with_value(where: str, number: float) -> onnx.ModelProto:
    stored = {"w": np.full((1, 4), number, np.float32)} if where == "constant" else None
    if where == "constant":
        nodes = [helper.make_node("Add", ["x", "w"], ["y"])]
    elif where == "attribute":
        nodes = [helper.make_node("LeakyRelu", ["x"], ["y"], alpha=number)]
    else:
        nodes = [_choice(number)]
    condition = value("c", (), TensorProto.BOOL)
    inputs = [value("x"), condition] if where == "body" else [value("x")]
    return model(graph(nodes, inputs, [value("y")], stored))


def _choice(number: float) -> onnx.NodeProto:
    """If c: y = x + number, else: y = relu(x)."""
    constant = helper.make_node("Constant", [], ["k"], value_float=number)
    then = graph([constant, helper.make_node("Add", ["x", "k"], ["then"])], [], [value("then")])
    other = graph([helper.make_node("Relu", ["x"], ["else"])], [], [value("else")])
    return helper.make_node("If", ["c"], ["y"], then_branch=then, else_branch=other)


def test_an_if_stays_whole_even_when_its_condition_is_known(tmp_path: Path) -> None:
    nodes = [helper.make_node("Constant", [], ["c"], value=_true()), _choice(2.0)]
    loaded = load(save(tmp_path / "m.onnx", model(graph(nodes, [value("x")], [value("y")]))))
    (op,) = loaded.graph.ops
    assert op.op_type == "If"
    assert op.captures == ("x",)
    assert op.reads == ("c", "x")
    assert [inner.op_type for inner in op.bodies["then_branch"].ops] == ["Add"]
    assert op.bodies["then_branch"].values == {"k": (2.0,)}
    kept = [inner.op_type for inner in loaded.onnx().graph[0].attributes["then_branch"].as_graph()]
    assert kept == ["Constant", "Add"]
    assert op.bodies["else_branch"].tensors["x"].shape == (1, 4)
    assert loaded.graph.tensors["y"].shape == (1, 4)


def _true() -> TensorProto:
    return helper.make_tensor("c", TensorProto.BOOL, [], [True])


def test_model_functions_are_inlined(tmp_path: Path) -> None:
    body = [helper.make_node("Relu", ["a"], ["b"]), helper.make_node("Neg", ["b"], ["c"])]
    opsets = [helper.make_opsetid("", 17)]
    function = helper.make_function("own", "ReluNeg", ["a"], ["c"], body, opsets)
    node = helper.make_node("ReluNeg", ["x"], ["y"], domain="own")
    proto = model(graph([node], [value("x")], [value("y")]), own=1)
    proto.functions.append(function)
    loaded = load(save(tmp_path / "m.onnx", proto))
    assert [op.op_type for op in loaded.graph.ops] == ["Relu", "Neg"]


def test_quantised_weights_stay_quantised(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("DequantizeLinear", ["w8", "scale", "zero"], ["w"]),
        helper.make_node("MatMul", ["x", "w"], ["y"]),
    ]
    constants: dict[str, Array] = {
        "w8": np.ones((4, 2), np.int8),
        "scale": np.array(0.5, np.float32),
        "zero": np.array(0, np.int8),
    }
    made = graph(nodes, [value("x")], [value("y", (1, 2))], constants)
    loaded = load(save(tmp_path / "m.onnx", model(made)))
    assert [op.op_type for op in loaded.graph.ops] == ["DequantizeLinear", "MatMul"]
    assert loaded.graph.tensors["w8"].dtype == "int8"


def test_random_ops_are_not_folded(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Bernoulli", ["p"], ["r"], seed=1.0),
        helper.make_node("Add", ["x", "r"], ["y"]),
    ]
    constants = {"p": np.full((1, 4), 0.5, np.float32)}
    made = graph(nodes, [value("x")], [value("y")], constants)
    loaded = load(save(tmp_path / "m.onnx", model(made)))
    assert [op.op_type for op in loaded.graph.ops] == ["Bernoulli", "Add"]


def test_folding_never_makes_large_constants(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Expand", ["one", "size"], ["big"]),
        helper.make_node("Add", ["x", "big"], ["y"]),
    ]
    constants: dict[str, Array] = {
        "one": np.ones((1, 1), np.float32),
        "size": np.array([1000, 1000]),
    }
    made = graph(nodes, [value("x", (1, 1))], [value("y", (1000, 1000))], constants)
    loaded = load(save(tmp_path / "m.onnx", model(made)))
    assert [op.op_type for op in loaded.graph.ops] == ["Expand", "Add"]


def test_contributed_ops_load_with_the_shapes_of_their_stand_ins(tmp_path: Path) -> None:
    scales = ["s", "z"]
    nodes = [
        helper.make_node(
            "QLinearAdd", ["a", *scales, "b", *scales, *scales], ["c"], domain="com.microsoft"
        ),
        helper.make_node(
            "QLinearGlobalAveragePool", ["c", *scales, *scales], ["d"], domain="com.microsoft"
        ),
        helper.make_node(
            "QLinearConcat", [*scales, "d", *scales, "d", *scales], ["e"], domain="com.microsoft",
            axis=1,
        ),
    ]  # fmt: skip
    constants: dict[str, Array] = {"s": np.array(0.1, np.float32), "z": np.array(3, np.uint8)}
    inputs = [value("a", (1, 2, 5, 5), TensorProto.UINT8), value("b", (2, 1, 1), TensorProto.UINT8)]
    made = graph(nodes, inputs, [value("e", None, TensorProto.UINT8)], constants)
    loaded = load(save(tmp_path / "m.onnx", model(made, com_microsoft=1)))
    assert loaded.graph.tensors["c"].shape == (1, 2, 5, 5)
    assert loaded.graph.tensors["e"].shape == (1, 4, 1, 1)
    assert loaded.graph.tensors["e"].dtype == "uint8"
    assert loaded.graph.ops[0].domain == "com.microsoft"


def test_dynamic_quantisation_keeps_its_integer_product(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("DynamicQuantizeLinear", ["x"], ["x8", "xs", "xz"]),
        helper.make_node("MatMulInteger", ["x8", "w8", "xz"], ["y32"]),
        helper.make_node("Cast", ["y32"], ["y"], to=TensorProto.FLOAT),
    ]
    made = graph(nodes, [value("x")], [value("y", (1, 2))], {"w8": np.ones((4, 2), np.int8)})
    loaded = load(save(tmp_path / "m.onnx", model(made)))
    types = [op.op_type for op in loaded.graph.ops]
    assert types == ["DynamicQuantizeLinear", "MatMulInteger", "Cast"]
    assert [loaded.graph.tensors[n].dtype for n in ("x8", "xs", "y32")] == [
        "uint8", "float32", "int32",
    ]  # fmt: skip


def test_sequences_have_no_shape(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("SplitToSequence", ["x"], ["s"], axis=1),
        helper.make_node("SequenceAt", ["s", "i"], ["y"]),
    ]
    made = graph(nodes, [value("x")], [value("y", (1, 1))], {"i": np.array(2)})
    loaded = load(save(tmp_path / "m.onnx", model(made)))
    assert [op.op_type for op in loaded.graph.ops] == ["SplitToSequence", "SequenceAt"]
    assert loaded.graph.tensors["s"].dtype is None
    assert loaded.graph.tensors["s"].nbytes() is None


def test_unused_ops_and_constants_go(tmp_path: Path) -> None:
    proto = relu_chain(1)
    proto.graph.node.append(helper.make_node("Neg", ["x"], ["nobody"]))
    proto.graph.initializer.append(helper.make_tensor("w", TensorProto.FLOAT, [1], [1.0]))
    loaded = load(save(tmp_path / "m.onnx", proto))
    assert [op.op_type for op in loaded.graph.ops] == ["Relu"]
    assert loaded.graph.constants == frozenset()


def test_an_output_that_could_be_folded_stays_the_work_of_an_op(tmp_path: Path) -> None:
    nodes = [helper.make_node("Relu", ["x"], ["y"]), helper.make_node("Neg", ["w"], ["z"])]
    made = graph(nodes, [value("x")], [value("y"), value("z", (2,))], {"w": np.ones(2, np.float32)})
    loaded = load(save(tmp_path / "m.onnx", model(made)))
    assert loaded.graph.outputs == ("y", "z")
    assert loaded.graph.producer["z"].op_type == "Neg"


def test_external_data_is_found_and_part_of_the_digest(tmp_path: Path) -> None:
    path = _external(tmp_path, np.arange(400, dtype=np.float32))
    first = load(path)
    assert first.graph.values["w"][:3] == (0.0, 1.0, 2.0)
    changed = load(_external(tmp_path, np.arange(400, dtype=np.float32) + 1))
    assert changed.sha256 != first.sha256
    assert changed.prepared_sha256 != first.prepared_sha256


def _external(folder: Path, weights: Array) -> Path:
    nodes = [helper.make_node("Add", ["x", "w"], ["y"])]
    proto = model(graph(nodes, [value("x", (400,))], [value("y", (400,))], {"w": weights}))
    path = folder / "m.onnx"
    (folder / "weights.bin").unlink(missing_ok=True)
    onnx.save(proto, path, save_as_external_data=True, location="weights.bin", size_threshold=0)
    return path


def test_hard_linked_external_data_is_accepted(tmp_path: Path) -> None:
    path = _external(tmp_path, np.arange(400, dtype=np.float32))
    (tmp_path / "copy.bin").hardlink_to(tmp_path / "weights.bin")  # as package installers do
    assert load(path).graph.values["w"][399] == 399.0


def test_weights_with_one_reader_are_transposed_once_and_for_all(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Transpose", ["w"], ["wt"], perm=[1, 0]),
        helper.make_node("MatMul", ["x", "wt"], ["y"]),
    ]
    weights = np.arange(40_000, dtype=np.float32).reshape(10_000, 4)
    made = graph(nodes, [value("x")], [value("y", (1, 10_000))], {"w": weights})
    path = save(tmp_path / "m.onnx", model(made))
    loaded = load(path)
    assert [op.op_type for op in loaded.graph.ops] == ["MatMul"]
    assert loaded.graph.tensors[loaded.graph.ops[0].inputs[1]].shape == (4, 10_000)
    assert run(path, {"x": np.ones((1, 4), np.float32)})[0].shape == (1, 10_000)


def test_zoo_names_go_through_the_zoo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from hetsched.zoo import catalog, fetch

    class Entry:
        shapes = {"x": (2, 4)}  # noqa: RUF012

    path = save(tmp_path / "whatever.onnx", relu_chain(shape=("n", 4)))
    monkeypatch.setattr(fetch, "fetch", lambda _: path)
    monkeypatch.setattr(catalog, "entry", lambda _: Entry)
    loaded = load("zoo:tiny")
    assert (loaded.name, loaded.ref, loaded.shapes) == ("tiny", "zoo:tiny", {"x": (2, 4)})
    assert load("zoo:tiny", shapes={"x": (7, 4)}).shapes == {"x": (7, 4)}


@pytest.mark.parametrize("opset", [9, 17])
@pytest.mark.parametrize("outputs", [["d"], ["d", "unused"]])
def test_dropout_goes(tmp_path: Path, opset: int, outputs: list[str]) -> None:
    nodes = [
        helper.make_node("Relu", ["x"], ["h"]),
        helper.make_node("Dropout", ["h"], outputs),
        helper.make_node("Neg", ["d"], ["y"]),
    ]
    proto = model(graph(nodes, [value("x")], [value("y")]), opset)
    loaded = load(save(tmp_path / "m.onnx", proto))
    assert [op.op_type for op in loaded.graph.ops] == ["Relu", "Neg"]


def test_a_dropout_whose_mask_is_read_stays(tmp_path: Path) -> None:
    nodes = [helper.make_node("Dropout", ["x"], ["y", "mask"])]
    outputs = [value("y"), value("mask", (1, 4), TensorProto.BOOL)]
    loaded = load(save(tmp_path / "m.onnx", model(graph(nodes, [value("x")], outputs))))
    assert [op.op_type for op in loaded.graph.ops] == ["Dropout"]


def test_outputs_that_were_left_out_stay_out(tmp_path: Path) -> None:
    nodes = [helper.make_node("LSTM", ["x", "w", "r"], ["", "y"], hidden_size=2)]
    constants = {"w": np.ones((1, 8, 4), np.float32), "r": np.ones((1, 8, 2), np.float32)}
    made = graph(nodes, [value("x", (3, 1, 4))], [value("y", (1, 1, 2))], constants)
    loaded = load(save(tmp_path / "m.onnx", model(made)))
    assert loaded.graph.ops[0].outputs == ("", "y")
    assert loaded.graph.ops[0].writes == ("y",)


def test_scalars_have_a_shape(tmp_path: Path) -> None:
    nodes = [helper.make_node("ReduceMax", ["x"], ["y"], keepdims=0)]
    loaded = load(save(tmp_path / "m.onnx", model(graph(nodes, [value("x")], [value("y", ())]))))
    assert loaded.graph.tensors["y"].shape == ()
    assert loaded.graph.tensors["y"].nbytes() == 4


def test_old_files_list_their_constants_as_inputs(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Transpose", ["w"], ["t"]),
        helper.make_node("MatMul", ["x", "t"], ["y"]),
    ]
    constants = {"w": np.ones((8, 4), np.float32)}
    inputs = [value("x"), value("w", (8, 4))]
    proto = model(graph(nodes, inputs, [value("y", (1, 8))], constants), 6)
    proto.ir_version = 3
    loaded = load(save(tmp_path / "m.onnx", proto))
    assert loaded.graph.inputs == ("x",)
    assert all(tensor.is_static for tensor in loaded.graph.tensors.values())


def test_a_cast_that_does_not_saturate_stays_so(tmp_path: Path) -> None:
    node = helper.make_node("CastLike", ["x", "like"], ["y"], saturate=0)
    kinds = {"x": TensorProto.FLOAT, "like": TensorProto.FLOAT8E5M2, "y": TensorProto.FLOAT8E5M2}
    x, like, y = (value(name, dtype=kind) for name, kind in kinds.items())
    loaded = load(save(tmp_path / "m.onnx", model(graph([node], [x, like], [y]), opset=19)))
    assert [(op.op_type, op.attributes) for op in loaded.graph.ops] == [
        ("CastLike", {"saturate": 0})
    ]


def cut_weights(slices: list[tuple[int, int]]) -> onnx.ModelProto:
    """x @ (rows of w, cut by `slices` and joined again); w has 128 x 128 elements."""
    weights = np.arange(128 * 128, dtype=np.float32).reshape(128, 128)
    constants: dict[str, Array] = {"w": weights}
    nodes = []
    for index, (begin, end) in enumerate(slices):
        constants |= {f"b{index}": np.array([begin]), f"e{index}": np.array([end])}
        nodes.append(helper.make_node("Slice", ["w", f"b{index}", f"e{index}"], [f"s{index}"]))
    parts = [f"s{index}" for index in range(len(slices))]
    nodes.append(helper.make_node("Concat", parts, ["all"], axis=0))
    nodes.append(helper.make_node("MatMul", ["x", "all"], ["y"]))
    rows = sum(end - begin for begin, end in slices)
    return model(graph(nodes, [value("x", (1, rows))], [value("y", (1, 128))], constants))


def test_gates_cut_out_of_weights_and_joined_again_are_folded(tmp_path: Path) -> None:
    loaded = load(save(tmp_path / "m.onnx", cut_weights([(64, 128), (0, 64)])))
    assert [op.op_type for op in loaded.graph.ops] == ["MatMul"]


def test_slices_that_would_multiply_the_weights_stay(tmp_path: Path) -> None:
    # Three whole copies of w would make three times its elements: more than twice.
    loaded = load(save(tmp_path / "m.onnx", cut_weights([(0, 128), (0, 127), (0, 126)])))
    assert [op.op_type for op in loaded.graph.ops].count("Slice") == 3
