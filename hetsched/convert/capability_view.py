"""What support rules look at: shapes, dtypes, attributes and constants of one op."""

from dataclasses import dataclass

from hetsched.ir.graph import Graph, Op, Scalar
from hetsched.ir.op_class import is_weight


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """An op in its graph, with the questions that rules ask."""

    graph: Graph
    op: Op

    def rank(self, name: str) -> int | None:
        """Number of dimensions, None when unknown."""
        tensor = self.graph.tensors.get(name)
        return None if tensor is None or tensor.shape is None else len(tensor.shape)

    def shape(self, name: str) -> tuple[int | None, ...] | None:
        """Dimensions, None when not even the rank is known."""
        tensor = self.graph.tensors.get(name)
        return None if tensor is None else tensor.shape

    def is_constant(self, name: str) -> bool:
        """Whether the value is stored in the model."""
        return name in self.graph.constants

    def is_weight(self, name: str) -> bool:
        """Whether the value is stored, perhaps behind a DequantizeLinear or Cast of its own."""
        return is_weight(self.graph, name)

    def input(self, index: int) -> str:
        """Name of an input, empty when it's left out."""
        return self.op.inputs[index] if index < len(self.op.inputs) else ""

    @property
    def data(self) -> tuple[str, ...]:
        """Inputs that exist only at run time."""
        return tuple(name for name in self.op.reads if not self.is_constant(name))

    @property
    def stored(self) -> tuple[str, ...]:
        """Inputs that are stored in the model."""
        return tuple(name for name in self.op.reads if self.is_constant(name))

    @property
    def made(self) -> tuple[str, ...]:
        """Outputs that somebody reads; all of them when nobody reads any."""
        used = tuple(
            name
            for name in self.op.writes
            if name in self.graph.consumers or name in self.graph.outputs
        )
        return used or self.op.writes

    def integer(self, name: str, default: int) -> int:
        """An integer attribute."""
        value = self.op.attributes.get(name, default)
        return value if isinstance(value, int) else default

    def text(self, name: str, default: str) -> str:
        """A string attribute."""
        value = self.op.attributes.get(name, default)
        return value if isinstance(value, str) else default

    def integers(self, name: str) -> tuple[int, ...] | None:
        """A list of integers, None when the attribute isn't there."""
        value = self.op.attributes.get(name)
        if not isinstance(value, tuple):
            return None
        return tuple(item for item in value if isinstance(item, int))

    def value(self, index: int) -> tuple[Scalar, ...] | None:
        """The stored value of an input: empty when left out, None when it isn't known."""
        name = self.input(index)
        return self.graph.values.get(name) if name else ()

    def parameter(self, attribute: str, index: int) -> tuple[Scalar, ...] | None:
        """A parameter that older opsets have as an attribute and newer ones as an input.

        Empty when it's left out, None when it is only known at run time.
        """
        if attribute in self.op.attributes:
            value = self.op.attributes[attribute]
            return value if isinstance(value, tuple) else (value,)
        return self.value(index)

    def axes(self, attribute: str, index: int) -> tuple[int, ...] | None:
        """Axes counted from the front, sorted; all of them when left out; None when unknown."""
        rank = self.rank(self.input(0))
        values = self.parameter(attribute, index)
        if rank is None or values is None:
            return None
        found = [int(value) % rank for value in values if isinstance(value, int)] if rank else []
        return tuple(sorted(found)) or tuple(range(rank))

    def channels(self, name: str) -> int | None:
        """Second dimension of a 4-D tensor, None otherwise."""
        shape = self.shape(name)
        return shape[1] if shape is not None and len(shape) == 4 else None

    def sides(self, name: str) -> tuple[int | None, ...] | None:
        """Dimensions after the first two: height and width; None when the rank isn't known."""
        shape = self.shape(name)
        return None if shape is None else shape[2:]
