"""Peak memory of each unit under a schedule: weights, and the largest set of live activations."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from hetsched.ir.graph import Graph
from hetsched.plan.problem import stored_bytes, weights_bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One subgraph as far as memory is concerned."""

    unit: str
    dtype: str
    ops: tuple[str, ...]


def peak_memory_bytes(graph: Graph, parts: Sequence[Part]) -> dict[str, int]:
    """Bytes per used unit, with `parts` in dispatch order and every op run in its part's order.

    A tensor is held where it is made until its last reader anywhere has run, and a copy of it on
    another unit from the reading part's start to its last reader there. Weights stay throughout.
    """
    when = {name: index for index, name in enumerate(op for part in parts for op in part.ops)}
    peaks = dict.fromkeys((part.unit for part in parts), 0)
    for unit in peaks:
        events = sorted(_lifetimes(graph, parts, when, unit))
        live = peak = 0
        for _, _, change in events:
            live += change
            peak = max(peak, live)
        mine = tuple(op for part in parts if part.unit == unit for op in part.ops)
        dtype = next(part.dtype for part in parts if part.unit == unit)
        peaks[unit] = peak + weights_bytes(graph, mine, dtype)
    return peaks


def _lifetimes(
    graph: Graph, parts: Sequence[Part], when: Mapping[str, int], unit: str
) -> Iterator[tuple[int, int, int]]:
    """(time, 0 for an allocation or 1 for a release, bytes) of every tensor held by the unit."""
    unit_of = {op: part.unit for part in parts for op in part.ops}
    dtype = next(part.dtype for part in parts if part.unit == unit)
    part_start = {op: when[part.ops[0]] for part in parts for op in part.ops}
    end = len(when)
    for name, tensor in graph.tensors.items():
        if name in graph.constants:
            continue
        readers = graph.consumers.get(name, ())
        maker = graph.producer.get(name)
        here = [op for op in readers if unit_of[op.name] == unit]
        if maker is not None and unit_of[maker.name] == unit:
            first = when[maker.name]
            held = readers
        elif here:
            first = min(part_start[op.name] for op in here)
            held = tuple(here)
        else:
            continue
        last = max((when[op.name] for op in held), default=first)
        size = stored_bytes(tensor, dtype)
        yield first, 0, size
        yield end if name in graph.outputs else last, 1, -size
