"""Tiny models for the backends' tests, and ways to split models."""

import random
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import onnx
from onnx import helper, numpy_helper

from hetsched.backends.base import Buffer, Executable, HostValue, StageSpec
from hetsched.ir.graph import Graph
from hetsched.ir.load import load
from hetsched.ir.model import Model

FLOAT = onnx.TensorProto.FLOAT


def made(
    folder: Path,
    nodes: Sequence[onnx.NodeProto],
    inputs: Sequence[onnx.ValueInfoProto],
    outputs: Sequence[onnx.ValueInfoProto],
    constants: Mapping[str, np.ndarray] | None = None,
    opset: int = 21,
    shapes: Mapping[str, Sequence[int]] | None = None,
) -> Model:
    """Write a model of these nodes and load it."""
    stored = [numpy_helper.from_array(array, name) for name, array in (constants or {}).items()]
    graph = helper.make_graph(list(nodes), "tiny", list(inputs), list(outputs), stored)
    opsets = [helper.make_opsetid("", opset), helper.make_opsetid("com.microsoft", 1)]
    path = folder / "tiny.onnx"
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=10), path)
    return load(path, shapes=shapes)


def port(name: str, shape: Sequence[int | str], dtype: int = FLOAT) -> onnx.ValueInfoProto:
    """An input or output."""
    return helper.make_tensor_value_info(name, dtype, list(shape))


def conv_chain(folder: Path, length: int = 3, channels: int = 16) -> Model:
    """`length` times 3x3 convolution, batch normalisation, ReLU; then a global average.

    Op names: conv0, bn0, relu0, conv1, ..., pool. Input `x` (1, channels, 8, 8), output `y`.
    """
    rng = np.random.default_rng(0)
    nodes, constants, last = [], {}, "x"
    for i in range(length):
        weight = rng.standard_normal((channels, channels, 3, 3)) / np.sqrt(9 * channels)
        constants[f"w{i}"] = weight.astype(np.float32)
        for part in ("scale", "bias", "mean", "var"):
            constants[f"{part}{i}"] = rng.uniform(0.5, 1.5, channels).astype(np.float32)
        statistics = [f"{part}{i}" for part in ("scale", "bias", "mean", "var")]
        nodes += [
            helper.make_node("Conv", [last, f"w{i}"], [f"c{i}"], f"conv{i}", pads=[1, 1, 1, 1]),
            helper.make_node("BatchNormalization", [f"c{i}", *statistics], [f"b{i}"], f"bn{i}"),
            helper.make_node("Relu", [f"b{i}"], [f"r{i}"], f"relu{i}"),
        ]
        last = f"r{i}"
    nodes.append(helper.make_node("GlobalAveragePool", [last], ["y"], "pool"))
    shape = (1, channels, 8, 8)
    return made(folder, nodes, [port("x", shape)], [port("y", (1, channels, 1, 1))], constants)


def stages(graph: Graph, label: Mapping[str, int]) -> list[StageSpec]:
    """Stages from a number per op; what crosses between numbers is declared as output."""
    found = []
    for number in sorted(set(label.values())):
        ops = [op for op in graph.ops if label[op.name] == number]
        held = {op.name for op in ops}
        outputs = [
            name
            for op in ops
            for name in op.writes
            if name in graph.outputs
            or any(reader.name not in held for reader in graph.consumers.get(name, ()))
        ]
        names = tuple(op.name for op in ops)
        found.append(StageSpec(id=f"s{number}", ops=names, outputs=tuple(outputs)))
    return found


def random_stages(graph: Graph, rng: random.Random, most: int) -> list[StageSpec]:
    """A random split into at most `most` stages, such that no two wait for each other."""
    if rng.random() < 0.5:
        return stages(graph, _runs_of_an_order(graph, rng, most))
    return stages(graph, _rising_numbers(graph, rng, most))


def _runs_of_an_order(graph: Graph, rng: random.Random, most: int) -> dict[str, int]:
    """Cut a random topological order into runs: stages of unconnected ops come out too."""
    makers = {
        op.name: {graph.producer[name].name for name in op.reads if name in graph.producer}
        for op in graph.ops
    }
    left = {name: len(found) for name, found in makers.items()}
    ready = [name for name, count in left.items() if count == 0]
    order: list[str] = []
    deep = rng.random() < 0.5
    while ready:
        name = ready.pop(-1 if deep else rng.randrange(len(ready)))
        order.append(name)
        written = graph.op[name].writes
        for reader in {c.name for tensor in written for c in graph.consumers.get(tensor, ())}:
            left[reader] -= 1
            if left[reader] == 0:
                ready.append(reader)
    cuts = rng.sample(range(1, len(order)), min(most - 1, len(order) - 1))
    return {name: sum(cut <= index for cut in cuts) for index, name in enumerate(order)}


def _rising_numbers(graph: Graph, rng: random.Random, most: int) -> dict[str, int]:
    """Numbers that never fall along an edge: parallel branches go to different stages."""
    label: dict[str, int] = {}
    for op in graph.ops:
        above = [label[graph.producer[name].name] for name in op.reads if name in graph.producer]
        number = max(above, default=rng.randrange(min(2, most)))
        if rng.random() < 2 * most / len(graph.ops):
            number = min(most - 1, number + rng.randint(1, 2))
        label[op.name] = number
    return label


def run(
    executables: Sequence[Executable], feeds: Mapping[str, Buffer | HostValue]
) -> dict[str, Buffer | HostValue]:
    """Run stages, each when all it reads is there; every value that was fed or made."""
    values: dict[str, Buffer | HostValue] = dict(feeds)
    left = list(executables)
    while left:
        ready = [found for found in left if all(name in values for name in found.inputs)]
        assert ready, [(e.inputs, e.outputs) for e in left]
        for executable in ready:
            values.update(zip(executable.outputs, executable.run(values), strict=True))
            left.remove(executable)
    return values


def feeds(model: Model, seed: int = 0) -> dict[str, HostValue]:
    """Standard normal values for float inputs, small integers for others."""
    rng = np.random.default_rng(seed)
    found: dict[str, HostValue] = {}
    for name in model.graph.inputs:
        shape = model.shapes[name]
        if model.graph.tensors[name].dtype == "float32":
            found[name] = rng.standard_normal(shape).astype(np.float32)
        else:
            found[name] = rng.integers(0, 4, shape).astype(model.graph.tensors[name].dtype)
    return found


def array(value: Buffer | HostValue) -> np.ndarray:
    """A value as an array."""
    found = value if isinstance(value, np.ndarray | list) or value is None else value.numpy()
    assert isinstance(found, np.ndarray)
    return found
