"""What a rewrite rule is, and how it looks at the op that it may replace."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
import onnx_ir as ir

from hetsched.convert.rules.tape import Tape

Exactness: TypeAlias = Literal["exact", "rounding", "bounded"]
"""`exact`: the same bits, but for the sign of a zero. `rounding`: other roundings of the same
formula. `bounded`: an approximation whose error a source bounds."""

_FROM_STRONG: tuple[Exactness, ...] = ("exact", "rounding", "bounded")


def weakest(a: Exactness, b: Exactness) -> Exactness:
    """What holds where one holds inside of the other."""
    return max(a, b, key=_FROM_STRONG.index)


FLOATS = (ir.DataType.FLOAT, ir.DataType.FLOAT16, ir.DataType.DOUBLE)


@dataclass(frozen=True, slots=True)
class Site:
    """An op that a rule may replace.

    Attributes:
        node: the op, in its graph or just made by another rule.
        opset: version of ai.onnx.
    """

    node: ir.Node
    opset: int

    def input(self, index: int) -> ir.Value:
        """An input that is there."""
        value = self.optional(index)
        assert value is not None, f"{self.node.op_type} has no input {index}"
        return value

    def optional(self, index: int) -> ir.Value | None:
        """An input, None when it's left out."""
        return self.node.inputs[index] if index < len(self.node.inputs) else None

    @property
    def output(self) -> ir.Value:
        """The first output."""
        return self.node.outputs[0]

    @property
    def is_float(self) -> bool:
        """Whether the first input is of a float dtype that rules compute in."""
        return self.input(0).dtype in FLOATS

    @property
    def more_is_read(self) -> bool:
        """Whether somebody reads, or the model gives out, another output than the first."""
        others = self.node.outputs[1:]
        return any(value.uses() or value.is_graph_output() for value in others)

    def attribute(self, name: str, default: Any = None) -> Any:
        """Value of an attribute: number, text or list."""
        found = self.node.attributes.get(name)
        return default if found is None else found.value

    @property
    def attributes(self) -> dict[str, Any]:
        """All attributes, for the same op over other inputs."""
        return {name: found.value for name, found in self.node.attributes.items()}

    def parameter(self, name: str, index: int) -> np.ndarray | None:
        """A parameter that older opsets have as an attribute and newer ones as a stored input.

        None when it's left out, or only known at run time: see `given`.
        """
        if name in self.node.attributes:
            return np.asarray(self.node.attributes[name].value)
        value = self.optional(index)
        return None if value is None else stored(value)

    def given(self, name: str, index: int) -> bool:
        """Whether a parameter is there at all, as an attribute or as an input."""
        return name in self.node.attributes or self.optional(index) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Replaces one op by others that compute the same.

    Attributes:
        name: unique, for people and plans.
        ops: op types that it replaces.
        makes: what it makes of them, for people.
        exactness: see `Exactness`.
        check: None where the rule applies, else why it doesn't.
        rewrite: records the replacement; returns one value per output of the op.
        scenario: 1, replaced by supported ops.
    """

    name: str
    ops: tuple[str, ...]
    makes: str
    exactness: Exactness
    check: Callable[[Site], str | None]
    rewrite: Callable[[Site, Tape], ir.Value | tuple[ir.Value, ...]]
    scenario: int = 1


def stored(value: ir.Value) -> np.ndarray | None:
    """The stored value of a constant, None for what is made at run time."""
    if value.const_value is None or value.is_graph_input() or value.producer() is not None:
        return None
    array: np.ndarray = value.const_value.numpy()
    return array


def static_shape(value: ir.Value) -> tuple[int, ...] | None:
    """Dimensions, None unless all are known."""
    if value.shape is None or not all(isinstance(dim, int) and dim >= 0 for dim in value.shape):
        return None
    return tuple(int(dim) for dim in value.shape if isinstance(dim, int))


def known_shape(value: ir.Value) -> tuple[int, ...]:
    """Dimensions of a value whose shape a rule's check found known."""
    shape = static_shape(value)
    assert shape is not None, f"the shape of {value.name} isn't known"
    return shape


def known_value(value: ir.Value) -> np.ndarray:
    """The stored value of what a rule's check found stored."""
    array = stored(value)
    assert array is not None, f"{value.name} isn't stored"
    return array


def needs_float(site: Site) -> str | None:
    """None for float inputs, else a reason."""
    return None if site.is_float else f"{site.input(0).dtype} isn't float"
