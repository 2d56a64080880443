"""Ops that do nothing."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from hetsched.convert.rewrite import convert
from hetsched.ir.load import load
from tests.unit.convert.rules.drawing import Run, model
from tests.unit.convert.rules.harness import Without, converted, finished, one, why_not
from tests.unit.convert.rules.pairs import declined, replaced


def between(op_type: str, *inputs: np.ndarray, **attributes: Any) -> onnx.ModelProto:
    """Relu, the op, Relu."""
    names = [f"i{index}" for index in range(len(inputs))]
    nodes = [
        helper.make_node("Relu", ["x"], ["a"], "first"),
        helper.make_node(op_type, ["a", *names], ["b"], "middle", **attributes),
        helper.make_node("Relu", ["b"], ["y"], "last"),
    ]
    return finished(
        helper.make_graph(
            nodes,
            "g",
            [helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, (2, 3, 4))],
            [onnx.ValueInfoProto(name="y")],
            [numpy_helper.from_array(v, n) for n, v in zip(names, inputs, strict=True)],
        )
    )


BY_RULE = (
    between("Transpose", perm=[0, 1, 2]),
    between("Tile", np.array([1, 1, 1])),
    between("Expand", np.array([3, 1])),
)

AT_LOADING = (
    between("Reshape", np.array([2, 3, 4])),
    between("Cast", to=onnx.TensorProto.FLOAT),
    between("Concat", axis=1),
    between("Identity"),
    between("Dropout"),
)
"""Loading removes these already; the rule is for those that other rules make."""


@pytest.mark.parametrize("proto", BY_RULE, ids=lambda p: p.graph.node[1].op_type)
def test_they_go(tmp_path: Path, proto: onnx.ModelProto) -> None:
    outcome = converted(tmp_path, proto, proto.graph.node[1].op_type)
    (rewrite,) = outcome.rewrites
    assert (rewrite.rules, rewrite.made, rewrite.certificate.passed) == (("void",), (), True)
    assert [op.op_type for op in outcome.model.graph.ops] == ["Relu", "Relu"]


@pytest.mark.parametrize("proto", AT_LOADING, ids=lambda p: p.graph.node[1].op_type)
def test_others_are_gone_before(tmp_path: Path, proto: onnx.ModelProto) -> None:
    outcome = converted(tmp_path, proto, proto.graph.node[1].op_type)
    assert outcome.blocked == 0
    assert [op.op_type for op in outcome.model.graph.ops] == ["Relu", "Relu"]


def test_what_does_something_is_refused(tmp_path: Path) -> None:
    why = why_not(tmp_path, between("Transpose", perm=[0, 2, 1]), "void", "Transpose")
    assert why == "it isn't void"


def test_a_models_output_keeps_its_op(tmp_path: Path) -> None:
    why = why_not(tmp_path, one("Transpose", (2, 3), perm=[0, 1]), "void", "Transpose")
    assert why == "its output is the model's, and nothing would make it"


def test_text_is_left_alone(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Flatten", ["x"], ["a"], "before"),
        helper.make_node("Transpose", ["a"], ["b"], "same", perm=[0, 1]),
        helper.make_node("Flatten", ["b"], ["y"], "after"),
    ]
    proto = finished(
        helper.make_graph(
            nodes,
            "g",
            [helper.make_tensor_value_info("x", onnx.TensorProto.STRING, (2, 3))],
            [onnx.ValueInfoProto(name="y")],
        )
    )
    onnx.save(proto, tmp_path / "text.onnx")
    outcome = convert(load(tmp_path / "text.onnx"), Without("Transpose"))
    assert outcome.rewrites == ()
    (left,) = outcome.remaining
    assert "no data can be made up for 'a' of STRING" in dict(left.tried)["void"]


def scalar(op_type: str, number: float) -> onnx.ModelProto:
    """Relu, the op with a stored number, Relu."""
    return between(op_type, np.asarray(number, np.float32))


@pytest.mark.parametrize(
    "proto",
    [
        scalar("Mul", 1), scalar("Div", 1), scalar("Add", 0), scalar("Sub", 0),
        between("Pad", np.zeros(6, np.int64)),
        between("Slice", np.asarray([0]), np.asarray([3]), np.asarray([1])),
        between("Max"), between("Flatten", axis=1),
    ],
    ids=lambda p: p.graph.node[1].op_type,
)  # fmt: skip
def test_nothing_is_added_cut_or_scaled(proto: onnx.ModelProto) -> None:
    proto.graph.node[1].name = "op"
    if proto.graph.node[1].op_type == "Flatten":  # of rank 3 it makes rank 2
        assert declined("void", proto) == "it isn't void"
    else:
        assert replaced("void", proto)[1].startswith("Identity")


def test_other_numbers_are_refused() -> None:
    for proto in (
        scalar("Mul", 0),
        scalar("Add", 1),
        between("Add", np.zeros((5, 2, 3, 4), np.float32)),
    ):
        proto.graph.node[1].name = "op"
        assert declined("void", proto) == "it isn't void"


def test_casts_there_and_back() -> None:
    int8, int32, int64 = TensorProto.INT8, TensorProto.INT32, TensorProto.INT64
    back = model([("Cast", [Run((3,), int8)], {"to": int(int64)}), ("Cast", ["@0"], {"to": 3})])
    assert replaced("void", back)[-1] == "Identity 3"
    lossy = model([("Cast", [Run((3,), int32)], {"to": int(int8)}), ("Cast", ["@0"], {"to": 6})])
    assert declined("void", lossy) == "it isn't void"
