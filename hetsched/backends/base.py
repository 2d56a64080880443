"""What a backend is: one small protocol, one file per kind.

A backend compiles all stages of a plan that were mapped to it in one call, so that it may optimise
across their boundaries: tensors that go only between those stages may be kept in a private name and
layout. Tensors that come from or go to elsewhere keep the model's names and are plain.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias, runtime_checkable

import numpy as np

from hetsched.ir.model import Model

HostValue: TypeAlias = np.ndarray | list[Any] | None
"""A value as Python sees it: an array, a list for a sequence, None for an empty optional."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StageSpec:
    """A part of the model to be compiled.

    Attributes:
        id: the plan's stage id.
        ops: op names in the graph's order; a convex set.
        outputs: the tensors that others need from it (other stages, or the caller).
    """

    id: str
    ops: tuple[str, ...]
    outputs: tuple[str, ...]


@runtime_checkable
class Buffer(Protocol):
    """A value between stages; only the backend that made it knows what is inside."""

    def numpy(self) -> np.ndarray:
        """The value in the host's memory, without a copy where possible.

        Raises:
            BackendError: when it is a sequence or an empty optional.
        """
        ...

    def host(self) -> HostValue:
        """The value as Python sees it, whatever its type."""
        ...


class Executable(Protocol):
    """One compiled stage."""

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of the values it reads: the model's, or private to the backend."""
        ...

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of the values it makes."""
        ...

    def run(self, values: Mapping[str, Buffer | HostValue]) -> Sequence[Buffer]:
        """Run on the calling thread.

        Args:
            values: at least its inputs, by name: buffers of any backend, or host values.

        Returns:
            One buffer per name in `outputs`.

        Raises:
            BackendError: naming the stage, when it fails.
        """
        ...


class Backend(Protocol):
    """Something that executes stages."""

    @property
    def name(self) -> str:
        """Shown in mappings and reports."""
        ...

    def compile(self, model: Model, stages: Sequence[StageSpec]) -> Sequence[Executable]:
        """Make the stages ready to run; call it on the thread that will run them.

        Raises:
            BackendError: naming the op that it can't take and why.
        """
        ...
