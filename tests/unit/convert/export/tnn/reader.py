"""A strict reader of TNN's two files, written from the format's description, not from our writer.

Source: Tencent/TNN, model_interpreter.cc, objseri.h and the layers' interpreters.
"""

import struct
from dataclasses import dataclass, field
from math import prod
from pathlib import Path

import numpy as np

MAGIC = 4206624772
DTYPES = {0: np.float32, 1: np.float16, 2: np.int8, 3: np.int32}


@dataclass
class Layer:
    type: str
    name: str
    inputs: list[str]
    outputs: list[str]
    params: list[str]
    weights: list[np.ndarray] = field(default_factory=list)

    def ints(self) -> list[int]:
        return [int(word) for word in self.params]

    def floats(self) -> list[float]:
        return [float(word) for word in self.params]


@dataclass
class Net:
    inputs: dict[str, tuple[int, ...]]
    outputs: list[str]
    layers: list[Layer]
    constants: dict[str, np.ndarray]


def read(proto: Path) -> Net:
    lines = [unquoted(line) for line in proto.read_text("ascii").splitlines()]
    version, blobs, one, magic = lines[0].split()
    assert (version, one, int(magic)) == ("1", "1", MAGIC)
    inputs = dict(read_input(text) for text in lines[1].split(" : "))
    names = lines[2].split()
    assert len(names) == int(blobs) == len(set(names))
    layers = [read_layer(line) for line in lines[5:]]
    assert len(layers) == int(lines[4])
    assert len({layer.name for layer in layers}) == len(layers)
    net = Net(inputs, lines[3].split(), layers, {})
    Binary(proto.with_suffix(".tnnmodel").read_bytes()).into(net)
    check_order(net, names)
    return net


def unquoted(line: str) -> str:
    assert line.startswith('"'), line
    assert line.endswith(',"'), line
    return line[1:-2]


def read_input(text: str) -> tuple[str, tuple[int, ...]]:
    name, rank, *dims, dtype = text.split()
    assert len(dims) == int(rank)
    assert dtype == "0"
    return name, tuple(map(int, dims))


def read_layer(line: str) -> Layer:
    kind, name, n_in, n_out, *rest = line.split()
    ins, outs = int(n_in), int(n_out)
    for word in (kind, name, *rest):
        assert len(word) < 32
    for word in rest[ins + outs :]:
        assert len(word) < 16
    return Layer(kind, name, rest[:ins], rest[ins : ins + outs], rest[ins + outs :])


def check_order(net: Net, names: list[str]) -> None:
    """Every blob is listed, and made before it is read."""
    known = {*net.inputs, *net.constants}
    for layer in net.layers:
        assert set(layer.inputs) <= known, layer
        assert not known & set(layer.outputs), layer
        known.update(layer.outputs)
    assert known == set(names)
    assert set(net.outputs) <= known


class Binary:
    """The weights."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def into(self, net: Net) -> None:
        assert self.take("I") == MAGIC
        layers = {layer.name: layer for layer in net.layers}
        for _ in range(self.take("i")):
            assert self.take("i") == 0
            kind, name = self.string(), self.string()
            assert layers[name].type == kind
            layers[name].weights = self.body(layers[name])
        assert self.take("I") == MAGIC
        for _ in range(self.take("i")):
            name = self.string()
            net.constants[name] = self.buffer()
        assert self.at == len(self.data)

    def body(self, layer: Layer) -> list[np.ndarray]:
        if layer.type in ("Convolution", "Convolution1D", "Deconvolution"):
            assert self.string() == layer.name
            return [self.buffer() for _ in range(1 + self.take("i"))]
        if layer.type == "InnerProduct":
            assert self.string() == layer.name
            return [self.buffer(), self.buffer()]
        if layer.type == "PReLU":
            assert self.string() == layer.name
            return [self.buffer()]
        if layer.type in ("BatchNormCxx", "InstBatchNormCxx"):
            return [self.buffer(), self.buffer()]
        if layer.type == "Gather":
            return [self.buffer() for _ in range(2) if self.take("i")]
        assert layer.type in ("Add", "Sub", "Mul", "Div", "Maximum", "Minimum", "MatMul")
        return [self.buffer()]

    def take(self, form: str) -> int:
        (value,) = struct.unpack_from("<" + form, self.data, self.at)
        self.at += struct.calcsize(form)
        return int(value)

    def string(self) -> str:
        size = self.take("i")
        self.at += size
        return self.data[self.at - size : self.at].decode("ascii")

    def buffer(self) -> np.ndarray:
        assert self.take("I") == MAGIC
        dtype = DTYPES[self.take("i")]
        size = self.take("i")
        dims = [self.take("i") for _ in range(self.take("i"))]
        assert dims, "a rank of 0 ends a buffer early in TNN"
        assert size == prod(dims) * np.dtype(dtype).itemsize
        self.at += size
        return np.frombuffer(self.data[self.at - size : self.at], dtype).reshape(dims)
