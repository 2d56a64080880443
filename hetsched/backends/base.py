"""What a backend is: one small protocol, one file per kind.

A backend compiles all stages of a plan that were mapped to it in one call, so that it may optimise
across their boundaries: tensors that go only between those stages may be kept in a private name and
layout. Tensors that come from or go to elsewhere keep the model's names and are plain.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias, runtime_checkable

import numpy as np

from hetsched.ir.model import Model

HostValue: TypeAlias = np.ndarray | list[Any] | None
"""A value as Python sees it: an array, a list for a sequence, None for an empty optional."""

PlainCall: TypeAlias = Callable[[Sequence[np.ndarray]], Sequence[np.ndarray]]
"""Runs a stage on arrays: an executable's optional `call_plain`, in the order of its inputs and
outputs. Taken where all values come from the caller and go to him."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """Whether a backend can be used on this machine.

    Attributes:
        name: the backend's.
        here: whether it can.
        version: of what executes; None where that isn't there.
        why_not: what is missing, and what would bring it; None where nothing is.
        emulated: it computes what some other hardware would, in a time that says nothing of it.
        dtypes: that its arithmetic can be in.
        devices: what it runs on here.
        notes: what else one should know, a sentence each.
    """

    name: str
    here: bool
    version: str | None = None
    why_not: str | None = None
    emulated: bool = False
    dtypes: tuple[str, ...] = ()
    devices: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@runtime_checkable
class Probing(Protocol):
    """A backend that can say whether it is here."""

    def probe(self) -> Probe:
        """Look, without compiling or running anything."""
        ...


@runtime_checkable
class Querying(Protocol):
    """A backend that can say which ops it takes."""

    def supports(self, model: Model) -> Mapping[str, str | None]:
        """Why it won't take an op, for every op of a model; None for those that it takes.

        Raises:
            BackendError: when it isn't here.
        """
        ...


@runtime_checkable
class Releasing(Protocol):
    """A backend that holds something which garbage collection doesn't give back."""

    def release(self) -> None:
        """Give back what it holds; it isn't used afterwards."""
        ...


@runtime_checkable
class Reviving(Protocol):
    """A backend whose unit can go down and be brought up again."""

    def revive(self) -> None:
        """Bring it up again; what it had compiled can run once more.

        Raises:
            BackendError: when it can't.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Traits:
    """What a backend's numbers and times are worth; it says so in attributes of these names.

    Attributes:
        emulated: its times say nothing of the hardware that it stands for.
        arithmetic: what it computes float32 models in.
        computes: it gives real numbers.
    """

    emulated: bool = False
    arithmetic: str = "float32"
    computes: bool = True


def traits(backend: object) -> Traits:
    """What a backend says; what it doesn't say is as usual."""
    return Traits(
        emulated=is_emulated(backend), arithmetic=arithmetic(backend), computes=computes(backend)
    )


def is_emulated(backend: object) -> bool:
    """Whether its times say nothing of the hardware that it stands for."""
    return bool(getattr(backend, "emulated", False))


def arithmetic(backend: object) -> str:
    """What a backend computes a float32 model in: `float32`, or a lower dtype."""
    return str(getattr(backend, "arithmetic", "float32"))


def computes(backend: object) -> bool:
    """Whether it gives real numbers; one that doesn't never stands in for one that does."""
    return bool(getattr(backend, "computes", True))
