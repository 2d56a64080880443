"""What a stage's run takes, prepared at deployment so that a run itself does next to nothing."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from hetsched.backends.base import Buffer, Executable, HostValue
from hetsched.errors import BackendError
from hetsched.ir.graph import Graph
from hetsched.runtime.inputs import describe, dtype_name, fits, native_dtype
from hetsched.runtime.wiring import Compiled, Wire, Wired

Call: TypeAlias = Callable[[Sequence[Buffer | HostValue]], Sequence[Buffer]]
"""Runs a stage: values in the order of its inputs, buffers in the order of its outputs."""


@dataclass(frozen=True, slots=True)
class Plain:
    """A value in Python's form, that no backend holds."""

    value: HostValue

    def numpy(self) -> np.ndarray:
        """The array itself.

        Raises:
            BackendError: when it is a sequence or an empty optional.
        """
        if not isinstance(self.value, np.ndarray):
            raise BackendError("the value is a sequence or an empty optional, not a tensor")
        return self.value

    def host(self) -> HostValue:
        """The value itself."""
        return self.value


class Leaving(NamedTuple):
    """A value that goes from a stage to the caller.

    Attributes:
        position: among the stage's outputs.
        name: the tensor's.
        dtype: numpy's own dtype object; None where numpy has none.
        shape: as promised; None unless all of it is.
    """

    position: int
    name: str
    dtype: np.dtype | None
    shape: tuple[int, ...] | None


class Step(NamedTuple):
    """One stage of a program.

    Attributes:
        calls: what runs it, by the index of the unit; only those of its units are ever asked for.
        reads: slots of its inputs.
        makes: how many values it must make.
        leaving: what of its outputs the caller gets.
        writes: slots of its outputs.
        drops: slots that nobody reads after it.
        shared: slots that others read too: who reads last, lets go.
    """

    calls: tuple[Call, ...]
    reads: tuple[int, ...]
    makes: int
    leaving: tuple[Leaving, ...]
    writes: tuple[int, ...]
    drops: tuple[int, ...]
    shared: tuple[int, ...]


def make_steps(graph: Graph, wired: Wired) -> tuple[Step, ...]:
    """A step per stage of a wired plan."""
    names = {slot: name for name, slot in wired.output_slots if slot is not None}
    steps = []
    for stage, wires, writes in zip(wired.stages, wired.reads, wired.writes, strict=True):
        reads = tuple(wire.slot for wire in wires)
        unread = tuple(slot for slot in writes if not wired.readers[slot])
        direct = _direct(graph, wired, stage, wires, writes)
        steps.append(
            Step(
                calls=_calls(graph, stage, wires) if direct is None else direct,
                reads=reads,
                makes=len(writes),
                leaving=tuple(
                    _leaving(graph, at, names[slot])
                    for at, slot in enumerate(writes)
                    if slot in names
                ),
                writes=writes if direct is None else (),
                drops=(*(slot for slot in reads if wired.readers[slot] == 1), *unread),
                shared=tuple(slot for slot in reads if wired.readers[slot] > 1),
            )
        )
    return tuple(steps)


def _leaving(graph: Graph, position: int, name: str) -> Leaving:
    tensor = graph.tensors[name]
    sizes = tuple(size for size in tensor.shape or () if size is not None)
    is_known = tensor.shape is not None and len(sizes) == len(tensor.shape)
    dtype = native_dtype(tensor.dtype)
    return Leaving(position, name, dtype, sizes if is_known else None)


def _direct(
    graph: Graph, wired: Wired, stage: Compiled, wires: Sequence[Wire], writes: Sequence[int]
) -> tuple[Call, ...] | None:
    """The executable's way with plain arrays, where nothing else reads or makes its values."""
    call: Any = getattr(stage.executable, "call_plain", None)
    slots = {wire.slot for wire in wires}
    if call is None or stage.variants or not slots <= set(wired.input_slots.values()):
        return None
    outputs = {slot for _, slot in wired.output_slots}
    if any(slot not in outputs or wired.readers[slot] > 1 for slot in writes):
        return None
    if any(native_dtype(graph.tensors[wire.name].dtype) is None for wire in wires):
        return None
    return (call,) * (max(unit for unit, _ in stage.units) + 1)


def _calls(graph: Graph, stage: Compiled, wires: Sequence[Wire]) -> tuple[Call, ...]:
    """One per unit up to the last of the stage's units; the planned one's where it can't run."""
    first = _variant_call(graph, stage, stage.executable, wires)
    calls = [first] * (max(unit for unit, _ in stage.units) + 1)
    for variant in stage.variants:
        call = _variant_call(graph, stage, variant.executable, wires)
        for unit in variant.units:
            calls[unit] = call
    return tuple(calls)


def _variant_call(
    graph: Graph, stage: Compiled, executable: Executable, wires: Sequence[Wire]
) -> Call:
    """Takes what `wires` bring, gives outputs in the order of the stage's own executable."""
    at = {wire.name: position for position, wire in enumerate(wires)}
    picks = tuple(at[name] for name in executable.inputs)
    order = tuple(executable.outputs.index(name) for name in stage.executable.outputs)
    call = _call(graph, executable, [wires[pick] for pick in picks])
    if stage.variants:
        call = _made_plain(graph, call, executable.outputs)
    if picks == tuple(range(len(wires))) and order == tuple(range(len(order))):
        return call

    def rearranged(values: Sequence[Buffer | HostValue]) -> Sequence[Buffer]:
        made = call([values[pick] for pick in picks])
        if len(made) != len(order):
            return made  # who called it counts them and says so
        return [made[position] for position in order]

    return rearranged


def _call(graph: Graph, executable: Executable, wires: Sequence[Wire]) -> Call:
    """The executable's way of being called by position, or one made of its `run`."""
    call: Call | None = getattr(executable, "call", None)
    if call is None:
        names = executable.inputs

        def by_name(values: Sequence[Buffer | HostValue]) -> Sequence[Buffer]:
            return executable.run(dict(zip(names, values, strict=True)))

        call = by_name
    if not any(wire.foreign for wire in wires):
        return call
    found = call

    def with_foreign(values: Sequence[Buffer | HostValue]) -> Sequence[Buffer]:
        return found([_handed_over(graph, w, v) for w, v in zip(wires, values, strict=True)])

    return with_foreign


def _made_plain(graph: Graph, call: Call, names: Sequence[str]) -> Call:
    """What one backend makes here another may read: it is checked where it is made."""

    def checked(values: Sequence[Buffer | HostValue]) -> Sequence[Buffer]:
        made = call(values)
        if len(made) != len(names):
            return made  # who called it counts them and says so
        pairs = zip(names, made, strict=True)
        return [Plain(plain(graph, name, buffer)) for name, buffer in pairs]

    return checked


def _handed_over(graph: Graph, wire: Wire, value: Buffer | HostValue) -> Buffer | HostValue:
    if not wire.foreign or value is None or isinstance(value, np.ndarray | list):
        return value
    return plain(graph, wire.name, value)


def plain(graph: Graph, name: str, buffer: Buffer | np.ndarray) -> HostValue:
    """A value that leaves its backend, if it is what the model says.

    Raises:
        BackendError: naming the tensor, what it was made as, and what the model says.
    """
    tensor = graph.tensors[name]
    value = buffer if isinstance(buffer, np.ndarray) else buffer.host()
    if isinstance(value, np.ndarray) and tensor.dtype is not None and not fits(tensor, value):
        raise BackendError(
            f"it made {name!r} as {dtype_name(value)} of shape {value.shape} "
            f"instead of {describe(tensor)}"
        )
    return value
