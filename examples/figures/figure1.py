"""The paper's figure 1: a Subtract that the target lacks becomes an Add of a negated constant."""

import tempfile
from pathlib import Path

import numpy as np
import onnx
from common import Lacking, op_list, outputs
from onnx import helper, numpy_helper

import hetsched as hs
from hetsched.convert.rewrite import convert


def network(path: Path) -> None:
    """Images minus their mean colour, as the first op, then a convolution."""
    rng = np.random.default_rng(0)
    mean = np.array([123.7, 116.8, 103.9], np.float32).reshape(1, 3, 1, 1)
    weights = rng.standard_normal((8, 3, 3, 3)).astype(np.float32)
    nodes = [
        helper.make_node("Sub", ["image", "mean"], ["centred"], "subtract"),
        helper.make_node("Conv", ["centred", "weights"], ["features"], "conv"),
        helper.make_node("Relu", ["features"], ["y"], "relu"),
    ]
    graph = helper.make_graph(
        nodes,
        "figure1",
        [helper.make_tensor_value_info("image", 1, [1, 3, 32, 32])],
        [helper.make_tensor_value_info("y", 1, None)],
        [numpy_helper.from_array(mean, "mean"), numpy_helper.from_array(weights, "weights")],
    )
    opsets = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=9), path)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        network(Path(folder) / "figure1.onnx")
        model = hs.load(Path(folder) / "figure1.onnx")
        outcome = convert(model, Lacking("Sub"))
        image = {"image": np.random.default_rng(1).uniform(0, 255, (1, 3, 32, 32))}
        images = {name: array.astype(np.float32) for name, array in image.items()}
        before, after = outputs(model, images)["y"], outputs(outcome.model, images)["y"]
    print("before:", op_list(model))
    print("after: ", op_list(outcome.model))
    print("stored constant:", outcome.model.graph.values[outcome.model.graph.ops[0].inputs[1]])
    print("certified max absolute error:", outcome.rewrites[0].certificate.max_abs_error[0])
    print("whole model, max absolute error:", np.abs(before - after).max())


if __name__ == "__main__":
    main()
