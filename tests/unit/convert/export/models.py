"""Small ONNX files for the exporters' tests."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import onnx
from onnx import NodeProto, helper, numpy_helper


def write(
    path: Path,
    nodes: Sequence[NodeProto],
    *,
    inputs: Mapping[str, Sequence[int]],
    outputs: Sequence[str],
    constants: Mapping[str, np.ndarray] | None = None,
    opset: int = 17,
) -> Path:
    """A model of these nodes with float32 inputs; the outputs' types are left to inference."""
    made = [helper.make_tensor_value_info(name, 1, list(dims)) for name, dims in inputs.items()]
    graph = helper.make_graph(
        nodes,
        "g",
        made,
        [onnx.ValueInfoProto(name=name) for name in outputs],
        [numpy_helper.from_array(array, name) for name, array in (constants or {}).items()],
    )
    opsets = [helper.make_opsetid("", opset)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=9)
    onnx.save(onnx.shape_inference.infer_shapes(model, data_prop=True), path)
    return path


def two_branches(path: Path) -> Path:
    """x -> conv -> (left: Relu, right: Sigmoid) -> Add -> y, and right as a second output."""
    rng = np.random.default_rng(0)
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["c"], "conv"),
        helper.make_node("Relu", ["c"], ["l"], "left"),
        helper.make_node("Sigmoid", ["c"], ["r"], "right"),
        helper.make_node("Add", ["l", "r"], ["y"], "add"),
    ]
    constants = {"w": rng.standard_normal((4, 3, 1, 1)).astype(np.float32)}
    return write(path, nodes, inputs={"x": (1, 3, 8, 8)}, outputs=["y", "r"], constants=constants)
