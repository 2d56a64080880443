"""Models that are known only as a list of convolutions: a chain of them, with seeded weights.

A published list of layers says what each layer computes, not how they are connected. Such a list
becomes a chain: each layer reads what the one before it made. Where that doesn't fit, what lies
between takes no arithmetic: MaxPool to fewer rows and columns, Resize (nearest) to more, Concat of
the tensor with itself to more channels, Slice to fewer. A chain is a stand-in for the model: the
same layers of the same sizes, other connections, other numbers.
"""

import csv
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil
from pathlib import Path
from typing import TypeAlias

import numpy as np
import onnx_ir as ir

from hetsched.errors import ModelError
from hetsched.ir.build import build_graph
from hetsched.ir.model import Model

Shape: TypeAlias = tuple[int, ...]

OPSET = 17
INPUT = "x"
COLUMNS = ("model", "layer", "type", "N", "K", "C", "Y", "X", "R", "S", "stride_y", "stride_x")


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """One convolution.

    Attributes:
        name: unique in its chain.
        batch: N.
        out_channels: K.
        in_channels: C.
        height: of its input.
        width: of its input.
        kernel: (R, S).
        stride: (rows, columns).
    """

    name: str
    batch: int
    out_channels: int
    in_channels: int
    height: int
    width: int
    kernel: tuple[int, int]
    stride: tuple[int, int] = (1, 1)

    @property
    def reads(self) -> tuple[int, int, int, int]:
        """Shape of its input, (N, C, H, W)."""
        return (self.batch, self.in_channels, self.height, self.width)

    @property
    def makes(self) -> tuple[int, int, int, int]:
        """Shape of its output, (N, C, H, W); padded so that only strides shrink it."""
        rows, columns = self.stride
        return (self.batch, self.out_channels, ceil(self.height / rows), ceil(self.width / columns))


def read_layers(path: str | Path, model: str | None = None) -> tuple[Layer, ...]:
    """The layers of one model in a CSV file.

    Raises:
        ModelError: naming the file, the line, and what would be accepted.
    """
    source = Path(path)
    try:
        text = source.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ModelError(f"layers {source} can't be read: {error}") from error
    rows = csv.DictReader(line for line in text.splitlines() if not line.startswith("#"))
    if tuple(rows.fieldnames or ()) != COLUMNS:
        raise ModelError(f"layers {source}: the columns must be {', '.join(COLUMNS)}")
    seen: dict[str, None] = {}
    found = []
    for row in rows:
        seen[row["model"]] = None
        if model in (None, row["model"]):
            found.append(_layer(source, row))
    if not found:
        raise ModelError(f"layers {source} has no model {model!r}: it has {', '.join(seen)}")
    if model is None and len(seen) > 1:
        raise ModelError(f"layers {source} has several models: name one of {', '.join(seen)}")
    if len({layer.name for layer in found}) < len(found):
        found = [replace(layer, name=f"{layer.name}_{at}") for at, layer in enumerate(found)]
    return tuple(found)


def _layer(source: Path, row: dict[str, str]) -> Layer:
    place = f"layers {source}, {row['model']} {row['layer']}"
    if row["type"] != "CONV":
        raise ModelError(f"{place}: type {row['type']!r} is unknown: only CONV is")
    try:
        numbers = {key: int(row[key] or 1) for key in COLUMNS[3:]}
    except (TypeError, ValueError):
        raise ModelError(f"{place}: {', '.join(COLUMNS[3:])} must be whole numbers") from None
    wrong = next((key for key, value in numbers.items() if value < 1), None)
    if wrong is not None:
        raise ModelError(f"{place}: {wrong} {numbers[wrong]} must be 1 or more")
    return Layer(
        name=row["layer"],
        batch=numbers["N"],
        out_channels=numbers["K"],
        in_channels=numbers["C"],
        height=numbers["Y"],
        width=numbers["X"],
        kernel=(numbers["R"], numbers["S"]),
        stride=(numbers["stride_y"], numbers["stride_x"]),
    )


def chain_model(path: str | Path, model: str | None = None, seed: int = 0) -> Model:
    """A chain as a model that can be planned; its weights are made when they are asked for.

    Args:
        path: CSV file of layers.
        model: which of its models; may be left out where there is one.
        seed: of the weights.

    Raises:
        ModelError: naming the file and what is wrong.
    """
    layers = read_layers(path, model)
    made = _build(layers, seed)
    graph = build_graph(made)
    name = model or Path(path).stem
    what = repr((OPSET, seed, layers)).encode()
    return Model(
        name=name,
        ref=f"{path}#{name}",
        sha256=hashlib.sha256(what).hexdigest(),
        shapes={INPUT: layers[0].reads},
        graph=graph,
        prepared_sha256=hashlib.sha256(b"chain" + what).hexdigest(),
        path=Path(path),
        onnx=lambda: made,
    )


def save_chain(layers: tuple[Layer, ...], path: Path, seed: int = 0) -> None:
    """Write a chain as an ONNX file, its weights beside it as `<name>.data`.

    Raises:
        ModelError: when it can't be written.
    """
    try:
        ir.save(_build(layers, seed), path, external_data=f"{path.name}.data")
    except OSError as error:
        raise ModelError(f"{path} can't be written: {error.strerror}") from error


class _Builder:
    """Nodes in a row; `last` is what the next one reads."""

    def __init__(self, shape: Shape) -> None:
        self.shape = shape
        self.input = self.last = _value(INPUT, shape)
        self.nodes: list[ir.Node] = []
        self.constants: list[ir.Value] = []

    def add(
        self,
        op_type: str,
        name: str,
        shape: Shape,
        *others: ir.Value | None,
        times: int = 1,
        attributes: Mapping[str, int | str | list[int]] | None = None,
    ) -> None:
        """A node that reads the last value, so many times, and others."""
        made = _value(f"{name}_out", shape)
        reads = (*(self.last,) * times, *others)
        self.nodes.append(ir.node(op_type, reads, attributes, outputs=[made], name=name))
        self.last, self.shape = made, shape

    def constant(self, name: str, tensor: ir.TensorProtocol) -> ir.Value:
        """A stored value."""
        kind, shape = ir.TensorType(tensor.dtype), ir.Shape(tensor.shape.numpy())
        value = ir.Value(name=name, shape=shape, type=kind, const_value=tensor)
        self.constants.append(value)
        return value

    def small(self, name: str, numbers: list[int]) -> ir.Value:
        """A stored list of integers."""
        return self.constant(name, ir.tensor(np.array(numbers, np.int64), name=name))


def _value(name: str, shape: Shape) -> ir.Value:
    return ir.Value(name=name, shape=ir.Shape(shape), type=ir.TensorType(ir.DataType.FLOAT))


def _build(layers: Sequence[Layer], seed: int) -> ir.Model:
    builder = _Builder(layers[0].reads)
    for at, layer in enumerate(layers):
        _fit_rows(builder, layer)
        _fit_channels(builder, layer)
        _convolve(builder, layer, (seed, at))
    graph = ir.Graph(
        [builder.input],
        [builder.last],
        nodes=builder.nodes,
        initializers=builder.constants,
        opset_imports={"": OPSET},
        name="chain",
    )
    return ir.Model(graph, ir_version=8)


def _convolve(builder: _Builder, layer: Layer, seed: tuple[int, int]) -> None:
    shape = (layer.out_channels, layer.in_channels, *layer.kernel)

    def weights() -> ir.TensorProtocol:
        # He's scale keeps activations from vanishing or growing along a chain.
        scale = (1.0 / (shape[1] * shape[2] * shape[3])) ** 0.5
        drawn = np.random.default_rng(seed).standard_normal(shape, np.float32)
        return ir.tensor(drawn * np.float32(scale), name=f"{layer.name}_w")

    lazy = ir.LazyTensor(weights, ir.DataType.FLOAT, ir.Shape(shape), name=f"{layer.name}_w")
    builder.add(
        "Conv",
        layer.name,
        layer.makes,
        builder.constant(f"{layer.name}_w", lazy),
        attributes={
            "kernel_shape": list(layer.kernel),
            "pads": _pads(layer),
            "strides": list(layer.stride),
        },
    )


def _pads(layer: Layer) -> list[int]:
    """As little as makes the output's rows and columns those of the input over the stride."""
    pads = []
    axes = zip(layer.reads[2:], layer.makes[2:], layer.kernel, layer.stride, strict=True)
    for size, made, kernel, stride in axes:
        missing = max(0, (made - 1) * stride + kernel - size)
        pads.append((missing // 2, missing - missing // 2))
    return [before for before, _ in pads] + [after for _, after in pads]


def _fit_rows(builder: _Builder, layer: Layer) -> None:
    """Bring rows and columns to what a layer reads: pooled where that divides, else resized."""
    n, c, *sizes = builder.shape
    wanted = layer.reads[2:]
    if tuple(sizes) == wanted:
        return
    shape = (n, c, *wanted)
    factors = [round(size / want) or 1 for size, want in zip(sizes, wanted, strict=True)]
    pooled = [ceil(size / by) for size, by in zip(sizes, factors, strict=True)]
    if tuple(pooled) == wanted:
        more = [want * by - size for size, want, by in zip(sizes, wanted, factors, strict=True)]
        attributes = {"kernel_shape": factors, "strides": factors, "pads": [0, 0, *more]}
        builder.add("MaxPool", f"{layer.name}_pool", shape, attributes=attributes)
        return
    builder.add(
        "Resize",
        f"{layer.name}_resize",
        shape,
        None,
        None,
        builder.small(f"{layer.name}_sizes", list(shape)),
        attributes={
            "mode": "nearest",
            "coordinate_transformation_mode": "asymmetric",
            "nearest_mode": "floor",
        },
    )


def _fit_channels(builder: _Builder, layer: Layer) -> None:
    """Bring channels to what a layer reads: the tensor several times over, and a slice of that."""
    n, c, rows, columns = builder.shape
    wanted = layer.in_channels
    if c < wanted:
        times = ceil(wanted / c)
        shape = (n, c * times, rows, columns)
        builder.add("Concat", f"{layer.name}_repeat", shape, times=times, attributes={"axis": 1})
    if builder.shape[1] > wanted:
        ends = (
            builder.small(f"{layer.name}_{what}", [number])
            for what, number in (("first", 0), ("end", wanted), ("axis", 1))
        )
        builder.add("Slice", f"{layer.name}_slice", (n, wanted, rows, columns), *ends)
