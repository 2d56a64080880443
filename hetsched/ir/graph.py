"""The model's graph as plain data: what costs, support rules and placement look at.

No ONNX type gets out of `hetsched.ir`; everything else in the package sees these classes.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from math import prod
from typing import TypeAlias

Scalar: TypeAlias = int | float | str | bool
Attribute: TypeAlias = Scalar | tuple[int, ...] | tuple[float, ...] | tuple[str, ...]

ITEM_BITS: Mapping[str, int] = {
    "float64": 64, "int64": 64, "uint64": 64, "complex64": 64, "complex128": 128,
    "float32": 32, "int32": 32, "uint32": 32,
    "float16": 16, "bfloat16": 16, "int16": 16, "uint16": 16,
    "int8": 8, "uint8": 8, "bool": 8,
    "float8e4m3fn": 8, "float8e4m3fnuz": 8, "float8e5m2": 8, "float8e5m2fnuz": 8, "float8e8m0": 8,
    "int4": 4, "uint4": 4, "float4e2m1": 4, "int2": 2, "uint2": 2,
}  # fmt: skip
"""Bits per element of a dtype. Strings, sequences and optionals have no entry."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tensor:
    """A value of the graph.

    Attributes:
        name: unique in the graph.
        dtype: numpy-like name (`float32`, `int64`, `bool`, `bfloat16`, `string`), None when unknown
            or when the value is a sequence or an optional.
        shape: dimensions; None where a single dimension isn't known; None as a whole when not
            even the rank is.
    """

    name: str
    dtype: str | None
    shape: tuple[int | None, ...] | None

    @property
    def is_static(self) -> bool:
        """Whether dtype and every dimension are known."""
        return self.dtype in ITEM_BITS and self.shape is not None and None not in self.shape

    @property
    def elements(self) -> int | None:
        """Number of elements, None unless the shape is known."""
        if self.shape is None or None in self.shape:
            return None
        return prod(dim for dim in self.shape if dim is not None)

    def nbytes(self, dtype: str | None = None) -> int | None:
        """Size in memory, as `dtype` instead of the own one where given; None unless known."""
        bits = ITEM_BITS.get(dtype or self.dtype or "")
        return None if bits is None or self.elements is None else (self.elements * bits + 7) // 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Op:
    """One node of the model.

    Attributes:
        name: unique in the graph (given at loading where the file has none).
        op_type: as in the ONNX operator set, `Conv`.
        domain: `""` for ai.onnx.
        opset: the version of that domain that the model imports.
        inputs: tensor names, `""` for an omitted optional input.
        outputs: tensor names, `""` for an unused optional output.
        attributes: numbers, strings and lists of them. Tensor and graph attributes are left out.
        captures: outer tensors that the bodies of an If, Loop or Scan read.
        bodies: the bodies by attribute name (`then_branch`, `body`), each with the outer tensors
            it reads among its tensors and constants.
    """

    name: str
    op_type: str
    domain: str = ""
    opset: int
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Attribute] = field(default_factory=dict)
    captures: tuple[str, ...] = ()
    bodies: "Mapping[str, Graph]" = field(default_factory=dict)

    @property
    def reads(self) -> tuple[str, ...]:
        """Every tensor that must exist before the op runs, each once."""
        return tuple(dict.fromkeys(name for name in (*self.inputs, *self.captures) if name))

    @property
    def writes(self) -> tuple[str, ...]:
        """Every tensor that the op makes."""
        return tuple(name for name in self.outputs if name)


@dataclass(frozen=True, kw_only=True)
class Graph:
    """A DAG of ops in topological order.

    Attributes:
        ops: each op after all ops that make its inputs.
        tensors: every tensor by name: inputs, constants, and what ops make.
        inputs: what a request brings, in the model's order. Constants aren't listed here.
        outputs: what a request gets back, in the model's order.
        constants: names of tensors with a stored value (weights).
        values: values of constants of up to 1024 elements, flattened, for support rules and costs
            that depend on them (axes, shapes, scales).
    """

    ops: tuple[Op, ...]
    tensors: Mapping[str, Tensor]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    constants: frozenset[str]
    values: Mapping[str, tuple[Scalar, ...]] = field(default_factory=dict)

    @cached_property
    def op(self) -> Mapping[str, Op]:
        """Ops by name."""
        return {op.name: op for op in self.ops}

    @cached_property
    def producer(self) -> Mapping[str, Op]:
        """The op that makes a tensor; inputs and constants have no entry."""
        return {name: op for op in self.ops for name in op.writes}

    @cached_property
    def consumers(self) -> Mapping[str, tuple[Op, ...]]:
        """The ops that read a tensor, in order; a tensor that nobody reads has no entry."""
        found: dict[str, list[Op]] = {}
        for op in self.ops:
            for name in op.reads:
                found.setdefault(name, []).append(op)
        return {name: tuple(ops) for name, ops in found.items()}

    @cached_property
    def readers(self) -> Mapping[str, frozenset[str]]:
        """Per op, the ops that read what it makes, by name."""
        return {
            op.name: frozenset(o.name for made in op.writes for o in self.consumers.get(made, ()))
            for op in self.ops
        }

    @cached_property
    def makers(self) -> Mapping[str, frozenset[str]]:
        """Per op, the ops that make what it reads, by name."""
        return {
            op.name: frozenset(
                self.producer[read].name for read in op.reads if read in self.producer
            )
            for op in self.ops
        }
