"""A small network with what other tools would say about it, in those tools' own forms.

The logs follow real ones (published outputs of benchmark_model, benchncnn and benchmark.out) letter
for letter in their form; the numbers are made up.
"""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from hetsched.cost.importing.record import Text, Wanted

WANTED = Wanted(unit="gpu", dtype=None, threads=None)


def text(content: str, name: str = "log.txt") -> Text:
    return Text(name=name, lines=content.split("\n"))


def write_net(path: Path, prefix: str = "") -> Path:
    """Conv 3x3, Relu, depthwise Conv, Conv 1x1, Add of the two, GlobalAveragePool, Flatten, Gemm.

    `x` (1, 3, 32, 32); the tensors are named after what makes them: `a`, `ar`, `d`, `p`, `s`, ...
    """
    rng = np.random.default_rng(0)
    shapes = {"wa": (8, 3, 3, 3), "wd": (8, 1, 3, 3), "wp": (8, 8, 1, 1), "wg": (8, 4)}
    weights = {name: rng.standard_normal(shape, np.float32) for name, shape in shapes.items()}
    nodes = [
        helper.make_node("Conv", ["x", "wa"], ["a"], f"{prefix}conv", pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["a"], ["ar"], f"{prefix}relu"),
        helper.make_node("Conv", ["ar", "wd"], ["d"], f"{prefix}dw", pads=[1, 1, 1, 1], group=8),
        helper.make_node("Conv", ["d", "wp"], ["p"], f"{prefix}pw"),
        helper.make_node("Add", ["p", "ar"], ["s"], f"{prefix}sum"),
        helper.make_node("GlobalAveragePool", ["s"], ["g"], f"{prefix}pool"),
        helper.make_node("Flatten", ["g"], ["f"], f"{prefix}flat"),
        helper.make_node("Gemm", ["f", "wg"], ["y"], f"{prefix}fc"),
    ]
    ports = [
        helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, 32, 32]),
        helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 4]),
    ]
    stored = [numpy_helper.from_array(value, name) for name, value in weights.items()]
    graph = helper.make_graph(nodes, "g", ports[:1], ports[1:], stored)
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(made, path)
    return path


LOGS = Path(__file__).parent / "logs"
TFLITE = (LOGS / "tflite.txt").read_text()
"""Old columns, with `[start]`; the tensors have the network's own names."""
TFLITE_XNNPACK = (LOGS / "tflite-xnnpack.txt").read_text()
"""New columns, names that say nothing, and a log's prefixes."""
LITERT = (LOGS / "litert.txt").read_text()
"""The C++ tool's, with the command above and rows that are no kernels."""
LITERT_PYTHON = (LOGS / "litert-python.txt").read_text()
TFLITE_CSV = (LOGS / "tflite.csv").read_text()
NCNN = (LOGS / "ncnn.txt").read_text()
MNN = (LOGS / "mnn.txt").read_text()
