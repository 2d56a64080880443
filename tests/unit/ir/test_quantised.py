"""Models as ONNX Runtime's quantisation tools write them: same structure, same numbers."""

import logging
from collections import Counter
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper
from onnxruntime.quantization import (
    CalibrationDataReader,
    QuantFormat,
    quantize_dynamic,
    quantize_static,
)

from hetsched.ir.extract import save_whole
from hetsched.ir.features import op_features
from hetsched.ir.load import load
from tests.unit.ir.files import Array, graph, model, run, save, value

SHAPE = (1, 4, 8, 8)
RNG = np.random.default_rng(0)


def classifier() -> onnx.ModelProto:
    """Conv, Relu, pooling, Gemm: 8 x 8 x 8 x 36 + 8 x 10 products."""
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["a"], name="conv", pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["a"], ["b"], name="relu"),
        helper.make_node("GlobalAveragePool", ["b"], ["c"], name="pool"),
        helper.make_node("Flatten", ["c"], ["d"], name="flatten"),
        helper.make_node("Gemm", ["d", "v", "bias"], ["y"], name="gemm"),
    ]
    constants = {
        "w": RNG.standard_normal((8, 4, 3, 3)).astype(np.float32),
        "v": RNG.standard_normal((8, 10)).astype(np.float32),
        "bias": RNG.standard_normal(10).astype(np.float32),
    }
    return model(graph(nodes, [value("x", SHAPE)], [value("y", (1, 10))], constants))


class Samples(CalibrationDataReader):  # type: ignore[misc]  # onnxruntime has no types
    def __init__(self) -> None:
        self.left = [sample() for _ in range(3)]

    def get_next(self) -> dict[str, Array] | None:
        return self.left.pop() if self.left else None


def sample() -> dict[str, Array]:
    return {"x": RNG.standard_normal(SHAPE).astype(np.float32)}


def quantised(kind: str, folder: Path) -> Path:
    logging.disable(logging.WARNING)  # the tool advises to run its own preprocessing
    source, target = save(folder / "float.onnx", classifier()), folder / f"{kind}.onnx"
    try:
        if kind == "dynamic":
            quantize_dynamic(source, target)
        else:
            quantize_static(source, target, Samples(), quant_format=QuantFormat[kind])
    finally:
        logging.disable(logging.NOTSET)
    return target


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("QDQ", {"QuantizeLinear", "DequantizeLinear", "Conv", "Gemm"}),
        ("QOperator", {"QuantizeLinear", "QLinearConv", "QGemm", "DequantizeLinear"}),
        ("dynamic", {"DynamicQuantizeLinear", "ConvInteger", "MatMulInteger"}),
    ],
)
def test_quantised_models_keep_structure_and_numbers(
    kind: str, expected: set[str], tmp_path: Path
) -> None:
    path = quantised(kind, tmp_path)
    loaded = load(path)
    types = Counter(op.op_type for op in loaded.graph.ops)
    assert expected <= types.keys()
    assert types == Counter(node.op_type for node in onnx.load(path).graph.node)
    assert all(tensor.is_static for tensor in loaded.graph.tensors.values())
    assert sum(op_features(loaded.graph, op).macs for op in loaded.graph.ops) == 64 * 8 * 36 + 80
    dtypes = {loaded.graph.tensors[name].dtype for name in loaded.graph.constants}
    assert dtypes & {"int8", "uint8"}
    save_whole(loaded, tmp_path / "whole.onnx")
    feeds = sample()
    (before,), (after,) = run(path, feeds), run(tmp_path / "whole.onnx", feeds)
    assert before.std() > 0
    assert np.array_equal(before, after)
