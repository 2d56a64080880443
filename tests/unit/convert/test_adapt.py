"""Rewrites, then the host: what is written, and that it computes the same."""

import runpy
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from hetsched.backends.reference import reference_outputs
from hetsched.convert.adapt import Adapted, adapt
from hetsched.convert.host_numpy import EMITTERS
from hetsched.convert.hosted import host_files, save_adapted
from hetsched.convert.remaining import left
from hetsched.convert.rewrite import Outcome
from hetsched.convert.tail import split_at
from hetsched.errors import ModelError, OutputExistsError
from hetsched.ir.load import load
from hetsched.ir.model import Model
from hetsched.ir.sample import samples
from tests.unit.convert.rules.harness import Without, one, values
from tests.unit.convert.test_packing import detector


def loaded(tmp_path: Path, proto: onnx.ModelProto) -> Model:
    onnx.save(proto, tmp_path / "model.onnx")
    return load(tmp_path / "model.onnx")


def same_outputs(model: Model, adapted: Adapted, tmp_path: Path) -> str:
    """Write all files, run them by the host's code, compare; the code."""
    out = tmp_path / "out.onnx"
    files = save_adapted(adapted, out)
    assert files[0] == out
    code = tmp_path / host_files(out).code
    inputs = samples(model.graph)
    found = runpy.run_path(str(code))["run"](inputs)
    expected = reference_outputs(model.path, inputs, optimize=False)
    assert list(found) == list(expected)
    for name, array in expected.items():
        assert isinstance(array, np.ndarray)
        assert (found[name].dtype, found[name].shape) == (array.dtype, array.shape)
        np.testing.assert_allclose(found[name], array, rtol=1e-5, atol=1e-6)
    return code.read_text()


def test_an_unsupported_tail_with_a_skip_connection_in_one_output(tmp_path: Path) -> None:
    model = loaded(tmp_path, detector())
    adapted = adapt(model, Without("Softmax", "Exp"), single_output=True)
    assert adapted.parts.tail == ("softmax", "mul")
    assert adapted.packed is not None
    assert adapted.whole_parts.main_outputs == ("packed",)
    code = same_outputs(model, adapted, tmp_path)
    assert "def unpack(packed: np.ndarray)" in code
    main = onnx.load(tmp_path / "out.onnx")
    assert [output.name for output in main.graph.output] == ["packed"]
    tail = onnx.load(tmp_path / "out.tail.onnx")
    assert {node.op_type for node in tail.graph.node} >= {"Slice", "Softmax", "Mul"}
    # The tail as a model unpacks by itself: both ways give the same.
    session = reference_outputs(tmp_path / "out.onnx", samples(model.graph))
    again = reference_outputs(tmp_path / "out.tail.onnx", session)
    assert set(again) == {"boxes", "scores", "labels"}


def test_a_head_and_a_tail_of_ops_that_numpy_lacks(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Asinh", ["x"], ["a"], "erf"),
        helper.make_node("Conv", ["a", "w"], ["b"], "conv"),
        helper.make_node("Sin", ["b"], ["c"], "sign"),
        helper.make_node("Add", ["c", "a"], ["y"], "add"),
    ]
    kinds = [helper.make_tensor_value_info(n, TensorProto.FLOAT, [1, 4, 3, 3]) for n in "xy"]
    weights = onnx.numpy_helper.from_array(values(4, 4, 1, 1), "w")
    graph = helper.make_graph(nodes, "g", kinds[:1], kinds[1:], [weights])
    opsets = [helper.make_opsetid("", 17)]
    model = loaded(tmp_path, helper.make_model(graph, opset_imports=opsets, ir_version=8))
    adapted = adapt(model, Without("Asinh", "Sin"))
    parts = adapted.parts
    assert (parts.head, parts.main, parts.tail) == (("erf",), ("conv",), ("sign", "add"))
    code = same_outputs(model, adapted, tmp_path)
    assert code.count("run by ONNX Runtime; ops") == 2


def test_ops_of_the_host_arent_rewritten(tmp_path: Path) -> None:
    # Without a tail, Neg would become Mul; before Erf, which nothing replaces, it does too. After
    # Erf the host does it, so it stays.
    nodes = [
        helper.make_node("Neg", ["x"], ["a"], "first"),
        helper.make_node("Asinh", ["a"], ["b"], "erf"),
        helper.make_node("Neg", ["b"], ["y"], "last"),
    ]
    kinds = [helper.make_tensor_value_info(n, TensorProto.FLOAT, [1, 4]) for n in "xy"]
    graph = helper.make_graph(nodes, "g", kinds[:1], kinds[1:])
    opsets = [helper.make_opsetid("", 17)]
    model = loaded(tmp_path, helper.make_model(graph, opset_imports=opsets, ir_version=8))
    adapted = adapt(model, Without("Neg", "Asinh"))
    assert [rewrite.op for rewrite in adapted.outcome.rewrites] == ["first"]
    assert adapted.parts.tail == ("erf", "last")
    assert adapted.blocking == ()
    kept = adapt(model, Without("Neg", "Asinh"), max_host_share=None)
    assert [one.op for one in left(kept)] == ["erf"]
    assert left(kept)[0].scenario == 4


def test_files_are_never_overwritten_unasked(tmp_path: Path) -> None:
    model = loaded(tmp_path, detector())
    adapted = adapt(model, Without("Softmax", "Exp"))
    (tmp_path / "out_host.py").write_text("mine")
    with pytest.raises(OutputExistsError, match=r"out_host\.py exists"):
        save_adapted(adapted, tmp_path / "out.onnx")
    assert not (tmp_path / "out.onnx").exists()
    save_adapted(adapted, tmp_path / "out.onnx", force=True)
    assert "def postprocess" in (tmp_path / "out_host.py").read_text()
    with pytest.raises(ModelError, match="can't write"):
        save_adapted(adapted, tmp_path / "nowhere" / "out.onnx")


UNARY = ("Abs", "Ceil", "Exp", "Floor", "HardSigmoid", "LeakyRelu", "LogSoftmax",
         "Neg", "Relu", "Round", "Sigmoid", "Softmax", "Sqrt", "Tanh", "Log", "Reciprocal",
         "Transpose", "Flatten", "GlobalAveragePool", "ArgMax", "ArgMin", "ReduceMean")  # fmt: skip
BINARY = ("Add", "Sub", "Mul", "Div", "Max", "Min", "Sum", "MatMul", "Greater", "GreaterOrEqual",
          "Less", "LessOrEqual", "Equal")  # fmt: skip
SPECIAL: dict[str, tuple[Any, ...]] = {
    "Cast": ((1, 2, 3, 3), {"to": TensorProto.INT32}),
    "Concat": ((1, 2, 3, 3), (1, 4, 3, 3), {"axis": 1}),
    "Clip": ((1, 2, 3, 3), np.array(-0.5, np.float32), np.array(0.5, np.float32), {}),
    "Expand": ((1, 2, 1, 3), np.array([1, 2, 3, 3]), {}),
    "Gather": ((1, 2, 3, 3), np.array([2, 0]), {"axis": 2}),
    "Reshape": ((1, 2, 3, 3), np.array([0, -1]), {}),
    "ReduceMax": ((1, 2, 3, 3), {"axes": [1, -1], "keepdims": 0}),
    "ReduceMin": ((1, 2, 3, 3), {"axes": [1]}),
    "ReduceSum": ((1, 2, 3, 3), np.array([2]), {"keepdims": 0}),
    "Slice": ((1, 5, 3, 3), np.array([1]), np.array([-1]), np.array([1]), np.array([2]), {}),
    "Squeeze": ((1, 2, 1, 3), np.array([2]), {}),
    "Unsqueeze": ((2, 3), np.array([0]), {}),
}


def in_numpy(tmp_path: Path, proto: onnx.ModelProto) -> None:
    """The op `op` as NumPy on the host, whatever rules there are for it."""
    model = loaded(tmp_path, proto)
    parts = split_at(model.graph, tail={"op"})
    outcome = Outcome(model=model, rewrites=(), remaining=(), blocked=0)
    adapted = Adapted(target=Without(), outcome=outcome, parts=parts, packed=None)
    assert "ONNX Runtime; ops" not in same_outputs(model, adapted, tmp_path)


@pytest.mark.parametrize("op_type", UNARY)
def test_unary_ops_in_numpy(tmp_path: Path, op_type: str) -> None:
    before = "Exp" if op_type in ("Log", "Sqrt", "Reciprocal") else "Neg"
    in_numpy(tmp_path, one(op_type, (2, 3, 4, 4), before=before))


@pytest.mark.parametrize("op_type", BINARY)
def test_binary_ops_in_numpy(tmp_path: Path, op_type: str) -> None:
    in_numpy(tmp_path, one(op_type, (2, 3, 4, 4), (2, 3, 4, 4), before="Neg"))


@pytest.mark.parametrize("op_type", SPECIAL)
def test_ops_with_parameters_in_numpy(tmp_path: Path, op_type: str) -> None:
    *inputs, attributes = SPECIAL[op_type]
    in_numpy(tmp_path, one(op_type, *inputs, before="Neg", **attributes))


def test_logic_in_numpy(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Greater", ["x", "y"], ["a"], "main"),
        helper.make_node("Not", ["a"], ["b"], "not"),
        helper.make_node("And", ["a", "c"], ["d"], "and"),
        helper.make_node("Or", ["d", "b"], ["e"], "or"),
        helper.make_node("Where", ["e", "x", "y"], ["z"], "where"),
    ]
    kinds = [helper.make_tensor_value_info(n, TensorProto.FLOAT, [2, 5]) for n in "xyz"]
    stored = onnx.numpy_helper.from_array(np.array([True, False, True, False, True]), "c")
    graph = helper.make_graph(nodes, "g", kinds[:2], kinds[2:], [stored])
    opsets = [helper.make_opsetid("", 17)]
    model = loaded(tmp_path, helper.make_model(graph, opset_imports=opsets, ir_version=8))
    adapted = Adapted(
        target=Without(),
        outcome=Outcome(model=model, rewrites=(), remaining=(), blocked=0),
        parts=split_at(model.graph, tail={"not", "and", "or", "where"}),
        packed=None,
    )
    assert "ONNX Runtime; ops" not in same_outputs(model, adapted, tmp_path)


def test_every_emitter_is_tried_here() -> None:
    # Loading takes Identity out; rules make some.
    assert {*UNARY, *BINARY, *SPECIAL, "And", "Identity", "Or", "Not", "Where"} == set(EMITTERS)
