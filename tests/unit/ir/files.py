"""Tiny ONNX files for tests."""

import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import onnx
import onnxruntime as ort
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

Array: TypeAlias = NDArray[Any]
Dims: TypeAlias = Sequence[int | str | None] | None


def value(name: str, shape: Dims = (1, 4), dtype: int = TensorProto.FLOAT) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, dtype, shape)


def graph(
    nodes: Sequence[onnx.NodeProto],
    inputs: Sequence[onnx.ValueInfoProto],
    outputs: Sequence[onnx.ValueInfoProto],
    constants: Mapping[str, Array] | None = None,
) -> onnx.GraphProto:
    stored = [numpy_helper.from_array(array, name) for name, array in (constants or {}).items()]
    return helper.make_graph(nodes, "g", inputs, outputs, initializer=stored)


def model(made: onnx.GraphProto, opset: int = 17, **domains: int) -> onnx.ModelProto:
    imports = [helper.make_opsetid("", opset)]
    imports += [helper.make_opsetid(name.replace("_", "."), v) for name, v in domains.items()]
    return helper.make_model(made, opset_imports=imports, ir_version=8)


def save(path: Path, proto: onnx.ModelProto) -> Path:
    path.write_bytes(proto.SerializeToString())
    return path


def relu_chain(length: int = 2, shape: Dims = (1, 4)) -> onnx.ModelProto:
    """x -> Relu -> ... -> t{length}."""
    names = ["x", *(f"t{i + 1}" for i in range(length))]
    nodes = [helper.make_node("Relu", [a], [b]) for a, b in itertools.pairwise(names)]
    return model(graph(nodes, [value("x", shape)], [value(names[-1], shape)]))


def run(path: Path, feeds: Mapping[str, Array]) -> list[Array]:
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    names = {entry.name for entry in session.get_inputs()}
    return list(session.run(None, {k: v for k, v in feeds.items() if k in names}))
