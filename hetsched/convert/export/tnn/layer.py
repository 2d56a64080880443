"""A layer of a TNN model, and what makes one: an op with its constants and shapes."""

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Any, TypeAlias

import numpy as np

from hetsched.ir.graph import Graph, Op

MAGIC = 0xFABC0004
"""Starts both files, the constants and each buffer: shapes go along. Source: TNN's objseri.h."""

DATA_TYPES = {"float32": 0, "float16": 1, "int8": 2, "int32": 3, "bfloat16": 4}
"""Source: DataType in TNN's common.h."""

LARGEST = float(np.finfo(np.float32).max)
"""Stands for no limit."""

Param: TypeAlias = int | float


class RefusedError(Exception):
    """TNN has no layer for an op as it is; never leaves this package."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """One line of the text file and, where it has weights, one resource of the binary one.

    Attributes:
        type: as TNN names it.
        name: unique in the model.
        inputs: blobs.
        outputs: blobs.
        params: positional, as the type has them.
        body: of the resource, None without one.
        named: whether the body starts with the layer's name.
    """

    type: str
    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    params: tuple[Param, ...] = ()
    body: bytes | None = field(default=None, repr=False)
    named: bool = False


@dataclass(slots=True, kw_only=True)
class Site:
    """An op on its way to layers.

    Attributes:
        op: the op.
        graph: its graph.
        read: the stored value of a constant.
        layers: what came of it so far; blobs still have the model's tensor names.
        constants: tensors that layers read as blobs though they are constants.
    """

    op: Op
    graph: Graph
    read: Callable[[str], np.ndarray]
    layers: list[Layer] = field(default_factory=list)
    constants: list[str] = field(default_factory=list)

    def attr(self, name: str, default: Any = None) -> Any:
        """Value of an attribute."""
        return self.op.attributes.get(name, default)

    def has(self, index: int) -> bool:
        """Whether an input is there."""
        return index < len(self.op.inputs) and bool(self.op.inputs[index])

    def constant(self, index: int, what: str) -> np.ndarray:
        """The stored value of an input that TNN wants stored.

        Raises:
            RefusedError: when it is made at run time.
        """
        if not self.is_constant(index):
            raise RefusedError(f"its {what} is made at run time: TNN wants it stored")
        return self.read(self.op.inputs[index])

    def is_constant(self, index: int) -> bool:
        """Whether an input is stored."""
        return self.has(index) and self.op.inputs[index] in self.graph.constants

    def blob(self, index: int) -> str:
        """An input as a blob: a constant becomes one of the model's constants."""
        name = self.op.inputs[index]
        if name in self.graph.constants and name not in self.constants:
            self.constants.append(name)
        return name

    def shape(self, name: str | None = None) -> tuple[int, ...]:
        """Of a tensor, the first input by default.

        Raises:
            RefusedError: when it isn't fixed.
        """
        found = self.graph.tensors[self.op.inputs[0] if name is None else name].shape
        if found is None or None in found:
            raise RefusedError("its shape isn't fixed")
        return tuple(dim for dim in found if dim is not None)

    def out_shape(self) -> tuple[int, ...]:
        """Of the first output."""
        return self.shape(self.op.outputs[0])

    def axis(self, given: int, rank: int | None = None) -> int:
        """An axis counted from the front."""
        return given % (len(self.shape()) if rank is None else rank)

    def rank(self, *wanted: int) -> int:
        """The rank of the first input.

        Raises:
            RefusedError: unless it is one of those.
        """
        found = len(self.shape())
        if found not in wanted:
            names = " or ".join(map(str, wanted))
            raise RefusedError(f"its input has {found} dimensions: TNN's layer takes {names}")
        return found

    def between(self) -> str:
        """A blob between two layers of this op."""
        return f"{self.op.outputs[0]}/{len(self.layers)}"

    def add(
        self,
        kind: str,
        *params: Param,
        inputs: Sequence[str] | None = None,
        outputs: Sequence[str] | None = None,
        body: bytes | None = None,
        named: bool = False,
    ) -> None:
        """Add a layer, by default from the first input to the first output."""
        self.layers.append(
            Layer(
                type=kind,
                name=self.op.name if not self.layers else f"{self.op.name}/{len(self.layers)}",
                inputs=tuple([self.blob(0)] if inputs is None else inputs),
                outputs=tuple(self.op.outputs[:1] if outputs is None else outputs),
                params=params,
                body=body,
                named=named,
            )
        )


def text(string: str) -> bytes:
    """A string: its length, its bytes."""
    data = string.encode()
    return struct.pack("<i", len(data)) + data


def number(value: int) -> bytes:
    """An integer."""
    return struct.pack("<i", value)


def buffer(array: np.ndarray) -> bytes:
    """A tensor: magic, dtype, bytes, rank, dimensions, data; 64-bit integers become 32-bit.

    Raises:
        RefusedError: when TNN has no such dtype, or not that many bits for a value.
    """
    if array.dtype in (np.int64, np.bool_):
        limits = np.iinfo(np.int32)
        if array.size and (array.max() > limits.max or array.min() < limits.min):
            raise RefusedError("a stored integer doesn't fit into 32 bits")
        array = array.astype(np.int32)
    if str(array.dtype) not in DATA_TYPES:
        raise RefusedError(f"TNN stores no {array.dtype}")
    dims = array.shape or (1,)
    head = struct.pack("<Iiii", MAGIC, DATA_TYPES[str(array.dtype)], array.nbytes, len(dims))
    assert prod(dims) == array.size
    return head + struct.pack(f"<{len(dims)}i", *dims) + np.ascontiguousarray(array).tobytes()
