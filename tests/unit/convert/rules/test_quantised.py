"""Quantised ops are left alone, and the report says so."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from hetsched.convert.rewrite import convert
from hetsched.convert.rules import quantised
from hetsched.ir.load import load
from tests.unit.convert.rules.harness import Without

SCALE, ZERO = np.asarray(0.1, np.float32), np.asarray(3, np.uint8)


def pairs() -> onnx.ModelProto:
    """HardSwish between DequantizeLinear and QuantizeLinear, as QDQ models have it."""
    node = helper.make_node
    nodes = [
        node("DequantizeLinear", ["x", "s", "z"], ["a"], "before"),
        node("HardSwish", ["a"], ["b"], "bend"),
        node("QuantizeLinear", ["b", "s", "z"], ["c"], "after"),
        node("DequantizeLinear", ["c", "s", "z"], ["d"], "out"),
        node("Relu", ["d"], ["y"], "last"),
    ]
    return _model(nodes, TensorProto.FLOAT)


def integers() -> onnx.ModelProto:
    """Op types of their own, as QOperator models have them."""
    node = helper.make_node("QLinearMatMul", ["x", "s", "z", "w", "s", "z", "s", "z"], ["y"], "dot")
    return _model([node], TensorProto.UINT8)


def _model(nodes: list[onnx.NodeProto], dtype: int) -> onnx.ModelProto:
    stored = {"s": SCALE, "z": ZERO, "w": np.ones((4, 4), np.uint8)}
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.UINT8, (4, 4))],
        [helper.make_tensor_value_info("y", dtype, (4, 4))],
        [numpy_helper.from_array(value, name) for name, value in stored.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


@pytest.mark.parametrize(
    ("proto", "missing", "op", "why"),
    [
        (pairs(), "HardSwish", "bend",
         "quantised: 'before' (DequantizeLinear) makes its input: left alone"),
        (pairs(), "Relu", "last",
         "quantised: 'out' (DequantizeLinear) makes its input: left alone"),
        (pairs(), "QuantizeLinear", "after", "a quantised op, which no rule knows: left alone"),
        (integers(), "QLinearMatMul", "dot", "a quantised op, which no rule knows: left alone"),
    ],
    ids=["between", "behind", "QuantizeLinear", "QLinearMatMul"],
)  # fmt: skip
def test_they_stay(tmp_path: Path, proto: onnx.ModelProto, missing: str, op: str, why: str) -> None:
    onnx.save(proto, tmp_path / "q.onnx")
    model = load(tmp_path / "q.onnx")
    outcome = convert(model, Without(missing))
    assert outcome.rewrites == ()
    (left,) = outcome.remaining
    assert (left.op, left.tried) == (op, (("every rule", why),))
    assert [one.op_type for one in outcome.model.graph.ops] == [
        one.op_type for one in model.graph.ops
    ]


def test_what_feeds_a_quantised_op_stays(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Mish", ["x"], ["a"], "bend"),
        helper.make_node("QuantizeLinear", ["a", "s", "z"], ["y"], "after"),
    ]
    proto = _model(nodes, TensorProto.UINT8)
    proto.graph.input[0].type.tensor_type.elem_type = TensorProto.FLOAT
    proto.opset_import[0].version = 18
    onnx.save(proto, tmp_path / "q.onnx")
    (left,) = convert(load(tmp_path / "q.onnx"), Without("Mish")).remaining
    assert left.tried[0][1] == "quantised: 'after' (QuantizeLinear) reads it: left alone"


def test_types() -> None:
    known = ("QLinearConv", "ConvInteger", "MatMulInteger", "DynamicQuantizeLinear", "QGemm")
    assert all(map(quantised.is_quantised_type, known))
    assert not any(map(quantised.is_quantised_type, ("Conv", "MatMul", "Cast")))
