"""Make `examples/figures/digits.onnx`: a small classifier with a ConvTranspose, trained here.

python examples/retrain/train.py examples/figures/digits.onnx
"""

import sys
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from torch_graph import TorchGraph
from training import learn


def skeleton(path: Path) -> None:
    """8x8 images down to 4x4, up to 8x8 by the ConvTranspose, down again, ten scores."""
    shapes = {
        "down.w": (16, 1, 3, 3), "down.b": (16,), "up.w": (16, 12, 4, 4), "up.b": (12,),
        "deep.w": (24, 12, 3, 3), "deep.b": (24,), "score.w": (10, 384), "score.b": (10,),
    }  # fmt: skip
    nodes = [
        helper.make_node("Conv", ["x", "down.w", "down.b"], ["a"], "down",
                         kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["a"], ["b"], "relu1"),
        helper.make_node("ConvTranspose", ["b", "up.w", "up.b"], ["c"], "up",
                         kernel_shape=[4, 4], strides=[2, 2], pads=[0, 0, 2, 2]),
        helper.make_node("Relu", ["c"], ["d"], "relu2"),
        helper.make_node("Conv", ["d", "deep.w", "deep.b"], ["e"], "deep",
                         kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["e"], ["f"], "relu3"),
        helper.make_node("Flatten", ["f"], ["h"], "flatten", axis=1),
        helper.make_node("Gemm", ["h", "score.w", "score.b"], ["y"], "score", transB=1),
    ]  # fmt: skip
    graph = helper.make_graph(
        nodes, "digits",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 1, 8, 8])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", 10])],
        [numpy_helper.from_array(np.zeros(s, np.float32), name) for name, s in shapes.items()],
    )  # fmt: skip
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.save(made, path)


if __name__ == "__main__":
    made = Path(sys.argv[2])
    skeleton(made)
    learn(TorchGraph(made), Path(sys.argv[1]), made)
