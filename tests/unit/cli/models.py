"""Small ONNX files for the command line's tests."""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


def write_model(path: Path, *op_types: str) -> Path:
    """A 1x1 convolution followed by ops of one input each, named after their type."""
    weight = np.random.default_rng(0).standard_normal((8, 3, 1, 1)).astype(np.float32)
    nodes = [helper.make_node("Conv", ["x", "w", "b"], ["t0"], name="conv")]
    for index, op_type in enumerate(op_types):
        nodes.append(
            helper.make_node(op_type, [f"t{index}"], [f"t{index + 1}"], name=op_type.lower())
        )
    last = f"t{len(op_types)}"
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, 16, 16])],
        [helper.make_tensor_value_info(last, TensorProto.FLOAT, [1, 8, 16, 16])],
        [
            numpy_helper.from_array(weight, "w"),
            numpy_helper.from_array(np.zeros(8, np.float32), "b"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.save(model, path)
    return path
