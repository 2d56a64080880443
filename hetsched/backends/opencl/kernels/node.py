"""An op as kernels see it: static shapes, attributes with their defaults, stored values."""

from collections.abc import Sequence
from math import prod
from typing import TypeVar

from hetsched.backends.opencl.kernels.launch import RefusedError
from hetsched.ir.graph import Graph, Op, Tensor

T = TypeVar("T", int, float, str)

MAX_RANK = 8
FLOAT = "float32"


class Node:
    """One op with what is known of it before it runs.

    Attributes:
        op: as the model has it.
        opset: version of ONNX's operators that it follows.
    """

    def __init__(self, graph: Graph, op: Op) -> None:
        """Look at an op of a graph."""
        self.op = op
        self.opset = op.opset
        self._graph = graph

    @property
    def output(self) -> str:
        """Name of its first output."""
        return self.op.outputs[0]

    def has(self, index: int) -> bool:
        """Whether the input at that position is given."""
        return index < len(self.op.inputs) and bool(self.op.inputs[index])

    def name(self, index: int) -> str:
        """Name of the input at that position.

        Raises:
            RefusedError: when it is omitted.
        """
        if not self.has(index):
            raise RefusedError(f"{self.op.op_type} without its input {index}")
        return self.op.inputs[index]

    def tensor(self, index: int) -> Tensor:
        """The input at that position."""
        return self._graph.tensors[self.name(index)]

    def shape(self, index: int) -> tuple[int, ...]:
        """Shape of the input at that position.

        Raises:
            RefusedError: when it isn't known, is empty, or of too many dimensions.
        """
        return static_shape(self.tensor(index))

    @property
    def tensor_out(self) -> Tensor:
        """Its first output."""
        return self._graph.tensors[self.output]

    @property
    def shape_out(self) -> tuple[int, ...]:
        """Shape of its first output; raises as `shape` does."""
        return static_shape(self.tensor_out)

    def outputs(self) -> list[tuple[str, tuple[int, ...]]]:
        """Name and shape of every output that is used; raises as `shape` does."""
        return [(name, static_shape(self._graph.tensors[name])) for name in self.op.writes]

    @property
    def items(self) -> int:
        """Number of elements of its first output."""
        return prod(self.shape_out)

    def number(self, name: str, default: T) -> T:
        """An attribute that is one number or string.

        Raises:
            RefusedError: when it is a list.
        """
        value = self.op.attributes.get(name, default)
        if isinstance(value, tuple) or isinstance(value, str) != isinstance(default, str):
            raise RefusedError(f"attribute {name}={value!r}")
        return type(default)(value)

    def list(self, name: str) -> tuple[int, ...] | None:
        """An attribute that is a list of integers, None when it isn't there."""
        value = self.op.attributes.get(name)
        if value is None:
            return None
        if not isinstance(value, tuple):
            raise RefusedError(f"attribute {name}={value!r}")
        return tuple(int(item) for item in value)

    def stored(self, index: int) -> tuple[int | float, ...] | None:
        """Values of a constant input, flat; None when it is computed or too long to be known."""
        name = self.name(index)
        if name in self._graph.constants and self._graph.tensors[name].elements == 0:
            return ()
        values = self._graph.values.get(name)
        if values is None:
            return None
        return tuple(v for v in values if isinstance(v, int | float))

    def integers(self, index: int, what: str) -> tuple[int, ...]:
        """Integers of a constant input.

        Raises:
            RefusedError: when they aren't known before the run.
        """
        values = self.stored(index)
        if values is None:
            raise RefusedError(f"{what} that only a run knows ({self.name(index)!r})")
        return tuple(int(value) for value in values)

    def option(self, name: str, index: int) -> tuple[int, ...] | None:
        """Integers that older opsets have as attribute and newer ones as constant input."""
        return self.integers(index, name) if self.has(index) else self.list(name)

    def refuse_attributes(self, **accepted: object) -> None:
        """Refuse every other value of these attributes.

        Raises:
            RefusedError: naming the attribute and its value.
        """
        for name, value in accepted.items():
            found = self.op.attributes.get(name, value)
            if found != value:
                raise RefusedError(f"attribute {name}={found!r}")


def static_shape(tensor: Tensor) -> tuple[int, ...]:
    """A tensor's shape.

    Raises:
        RefusedError: when it isn't known, empty, of too many dimensions, or too large for an `int`.
    """
    if tensor.shape is None or None in tensor.shape:
        shown = "of unknown rank" if tensor.shape is None else _shown(tensor.shape)
        raise RefusedError(f"dynamic shape of {tensor.name!r}: {shown}")
    shape = tuple(dim for dim in tensor.shape if dim is not None)
    if len(shape) > MAX_RANK:
        raise RefusedError(f"{len(shape)} dimensions of {tensor.name!r}: at most {MAX_RANK}")
    if prod(shape) == 0:
        raise RefusedError(f"empty tensor {tensor.name!r}: {_shown(shape)}")
    if prod(shape) >= 2**31:
        raise RefusedError(f"{prod(shape)} elements of {tensor.name!r}: less than 2^31")
    return shape


def _shown(shape: Sequence[int | None]) -> str:
    return "(" + ", ".join("?" if dim is None else str(dim) for dim in shape) + ")"
