"""Ops that do nothing."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from hetsched.convert.rewrite import convert
from hetsched.ir.load import load
from tests.unit.convert.rules.harness import Without, converted, finished, one, why_not


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
