"""One tensor of several outputs, and back."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper

from hetsched.backends.reference import reference_outputs
from hetsched.convert.packed import one_output, pack_outputs
from hetsched.convert.packing import Form, pack, packing, unpack
from hetsched.convert.tail import split, split_at
from hetsched.errors import ModelError
from hetsched.ir.extract import save_whole
from hetsched.ir.graph import Graph, Op, Tensor
from hetsched.ir.load import load
from hetsched.ir.sample import samples
from tests.unit.convert.rules.harness import Without

DTYPES = ("float32", "float16", "bool", "uint8", "int8", "int16")


def tensors(*kinds: tuple[str, tuple[int, ...]]) -> Graph:
    found = {f"t{i}": Tensor(name=f"t{i}", dtype=d, shape=s) for i, (d, s) in enumerate(kinds)}
    return Graph(ops=(), tensors=found, inputs=(), outputs=tuple(found), constants=frozenset())


def shape_of(tensor: Tensor) -> tuple[int, ...]:
    return tuple(dim or 0 for dim in tensor.shape or ())


def test_segments_follow_each_other() -> None:
    layout = packing(tensors(("float32", (1, 2, 3)), ("bool", (4,))), ("t0", "t1"), "flat")
    assert (layout.dtype, layout.shape) == ("float32", (1, 10))
    assert [(s.start, s.stop, s.dtype) for s in layout.segments] == [
        (0, 6, "float32"),
        (6, 10, "bool"),
    ]


@given(
    kinds=st.lists(
        st.tuples(st.sampled_from(DTYPES), st.lists(st.integers(0, 4), max_size=4).map(tuple)),
        min_size=1,
        max_size=4,
    ),
    form=st.sampled_from(("flat", "flat-4d")),
)
def test_unpacked_is_what_was_packed(kinds: list[tuple[str, tuple[int, ...]]], form: Form) -> None:
    graph = tensors(("float32", (2,)), *kinds)
    rng = np.random.default_rng(1)
    arrays = {
        name: rng.integers(0, 100, shape_of(t)).astype(t.dtype) for name, t in graph.tensors.items()
    }
    layout = packing(graph, graph.outputs, form)
    packed = pack(layout, arrays)
    assert packed.shape == layout.shape
    found = unpack(layout, packed)
    for name, array in arrays.items():
        assert found[name].dtype == array.dtype
        np.testing.assert_array_equal(found[name], array)


def test_channels_may_come_last() -> None:
    graph = tensors(("float32", (1, 2, 3, 4)), ("float32", (1, 5, 3, 4)))
    arrays = {
        n: np.asarray(np.random.default_rng(0).random(shape_of(t)), np.float32)
        for n, t in graph.tensors.items()
    }
    layout = packing(graph, graph.outputs, "channels")
    packed = pack(layout, arrays)
    assert packed.shape == (1, 7, 3, 4)
    found = unpack(layout, packed.transpose(0, 2, 3, 1), channels_last=True)
    for name, array in arrays.items():
        np.testing.assert_array_equal(found[name], array)


def test_dtypes_that_would_lose_values_are_refused() -> None:
    with pytest.raises(ModelError, match="'t1' can't be packed: float32 doesn't hold every int64"):
        packing(tensors(("float32", (1,)), ("int64", (1,))), ("t0", "t1"), "flat")
    with pytest.raises(ModelError, match="'t1' can't be packed by channels: rank 2"):
        packing(tensors(("float32", (1, 1, 1, 1)), ("float32", (1, 1))), ("t0", "t1"), "channels")
    with pytest.raises(ModelError, match="more than channels"):
        packing(
            tensors(("float32", (1, 1, 1, 1)), ("float32", (1, 1, 1, 2))), ("t0", "t1"), "channels"
        )
    unknown = {"u": Tensor(name="u", dtype="float32", shape=(None,))}
    open_ = Graph(ops=(), tensors=unknown, inputs=(), outputs=("u",), constants=frozenset())
    with pytest.raises(ModelError, match="shape or dtype isn't known"):
        packing(open_, ("u",), "flat")
    with pytest.raises(ModelError, match="has 3 elements: 2 are expected"):
        unpack(packing(tensors(("float32", (2,))), ("t0",), "flat"), np.zeros(3, np.float32))


def test_positions_fit_as_far_as_the_axis_says() -> None:
    # 2**24 + 1 positions: the last one isn't a float32. 2**24 is.
    for size, fits in ((2**24, True), (2**24 + 1, False)):
        op = Op(name="a", op_type="ArgMax", opset=17, inputs=("t0",), outputs=("t1",))
        base = tensors(("float32", (size,)), ("int64", (1,)))
        graph = Graph(
            ops=(op,), tensors=base.tensors, inputs=("t0",), outputs=("t1",), constants=frozenset()
        )
        if fits:
            assert packing(graph, ("t0", "t1"), "flat").dtype == "float32"
        else:
            with pytest.raises(ModelError, match="doesn't hold every int64"):
                packing(graph, ("t0", "t1"), "flat")


def detector(opset: int = 17) -> onnx.ModelProto:
    """Two branches, a skip connection from the first layer, an integer output."""
    axes = {"axes": [1]} if opset < 18 else {}
    nodes = [
        helper.make_node("Abs", ["x"], ["a"], "abs"),
        helper.make_node("Neg", ["a"], ["b"], "neg"),
        helper.make_node("Softmax", ["b"], ["s"], "softmax", axis=1),
        helper.make_node("Mul", ["s", "a"], ["boxes"], "mul"),
        helper.make_node("ReduceMax", ["b"], ["scores"], "max", keepdims=1, **axes),
        helper.make_node("ArgMax", ["b"], ["labels"], "argmax", axis=1, keepdims=0),
    ]
    kinds = (
        ("boxes", TensorProto.FLOAT, [1, 4, 3, 3]),
        ("scores", TensorProto.FLOAT, [1, 1, 3, 3]),
        ("labels", TensorProto.INT64, [1, 3, 3]),
    )
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 4, 3, 3])],
        [helper.make_tensor_value_info(*kind) for kind in kinds],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


@pytest.mark.parametrize("opset", [9, 13, 17])
@pytest.mark.parametrize("form", ["flat", "flat-4d"])
def test_a_packed_model_computes_the_same_bits(tmp_path: Path, opset: int, form: Form) -> None:
    onnx.save(detector(opset), tmp_path / "model.onnx")
    model = load(tmp_path / "model.onnx")
    parts = split(model.graph, {"softmax"})
    assert parts.main_outputs == ("a", "b", "scores", "labels")
    packed = pack_outputs(model, parts, form)
    assert packed.parts.main_outputs == ("packed",) == packed.parts.tail_inputs
    assert packed.model.graph.outputs == model.graph.outputs
    assert model.prepared_sha256 != packed.model.prepared_sha256
    save_whole(packed.model, tmp_path / "packed.onnx")
    inputs = samples(model.graph)
    expected = reference_outputs(tmp_path / "model.onnx", inputs, optimize=False)
    found = reference_outputs(tmp_path / "packed.onnx", inputs, optimize=False)
    assert list(found) == list(expected)
    for name, array in expected.items():
        same = found[name]
        assert isinstance(same, np.ndarray)
        assert isinstance(array, np.ndarray)
        assert same.dtype == array.dtype
        np.testing.assert_array_equal(same, array)


def test_alike_outputs_are_packed_by_channels(tmp_path: Path) -> None:
    onnx.save(detector(), tmp_path / "model.onnx")
    model = load(tmp_path / "model.onnx")
    found = one_output(model, split_at(model.graph, tail={"softmax", "mul", "argmax"}))
    assert found is not None
    assert (found.layout.form, found.layout.shape) == ("channels", (1, 9, 3, 3))


def test_the_target_must_run_what_packs(tmp_path: Path) -> None:
    onnx.save(detector(), tmp_path / "model.onnx")
    model = load(tmp_path / "model.onnx")
    parts = split(model.graph, {"softmax"})
    with pytest.raises(ModelError, match=r"4 outputs can't be packed into one: .*flat: no Reshape"):
        one_output(model, parts, Without("Reshape"))
    found = one_output(model, parts, Without("NonZero"))
    assert found is not None
    assert found.layout.form == "flat"


def test_a_single_output_is_left_alone(tmp_path: Path) -> None:
    onnx.save(detector(), tmp_path / "model.onnx")
    model = load(tmp_path / "model.onnx")
    assert (
        one_output(model, split_at(model.graph, tail={"neg", "softmax", "mul", "max", "argmax"}))
        is None
    )
