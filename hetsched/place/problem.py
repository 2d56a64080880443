"""The placement problem, free of any solver, model or file.

Everything is an index: group `g`, unit `u`, tensor `t`. The semantics (a *stage* is one dispatch):

* a stage is a convex set of groups on one unit; the graph of stages is acyclic;
* a stage starts when all its external inputs exist and its unit is free;
* its outputs exist only at its end;
* its duration is `dispatch_ns[u]` + the copies of its external inputs that live elsewhere (once per
  tensor and destination unit, paid by the first stage there that needs it) + its groups' costs;
* a unit runs one stage at a time; different units run at the same time.

Copies of a tensor always come from the unit that made it, or from `home` for a model input.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from hetsched.errors import PlacementError

LATENCY = "latency"
THROUGHPUT = "throughput"
ENERGY = "energy"
OBJECTIVES = (LATENCY, THROUGHPUT, ENERGY)
OBJECTIVE_UNITS: Mapping[str, Literal["ns", "uJ"]] = {LATENCY: "ns", THROUGHPUT: "ns", ENERGY: "uJ"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """A tensor that can cross from one stage to another.

    Attributes:
        name: the tensor's name in the model.
        producer: the group that makes it, None for a model input.
        consumers: the groups that read it, ascending, without the producer.
        size_bytes: in the model's dtype.
        transfer_ns: `[from][to]` cost of one copy, 0 on the diagonal.
    """

    name: str
    producer: int | None
    consumers: tuple[int, ...]
    size_bytes: int
    transfer_ns: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, kw_only=True)
class Problem:
    """Groups to place on units.

    Attributes:
        groups: names, in a topological order of the graph.
        units: names.
        cost_ns: `[group][unit]`, None where the unit can't run the group (or a pin forbids it).
        edges: tensors between groups, and model inputs that groups read.
        home: the unit whose memory holds the model's inputs.
        dispatch_ns: per unit, for each stage.
        power_mw: per unit, drawn while a stage runs there; None where unknown.
        max_stages: per unit, None for no limit.
        weights_bytes: `[group][unit]` memory that the group's constants take on that unit.
        memory_bytes: per unit, what the weights placed there may take; None for no limit.
        refusals: (group, unit) to the reason in words for a None in `cost_ns`.
        priority: units in the order in which a runtime asks them to claim ops; empty where unknown.
        cpus: units that are CPUs; empty where unknown, which takes `home` for the only one.
    """

    groups: tuple[str, ...]
    units: tuple[str, ...]
    cost_ns: tuple[tuple[int | None, ...], ...]
    edges: tuple[Edge, ...]
    home: int
    dispatch_ns: tuple[int, ...]
    power_mw: tuple[float | None, ...]
    max_stages: tuple[int | None, ...]
    weights_bytes: tuple[tuple[int, ...], ...]
    memory_bytes: tuple[int | None, ...]
    refusals: dict[tuple[int, int], str]
    priority: tuple[int, ...] = ()
    cpus: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        """Reject what no placer could take.

        Raises:
            PlacementError: naming the group, unit or tensor that is wrong.
        """
        for edge in self.edges:
            if edge.producer is not None and any(c <= edge.producer for c in edge.consumers):
                raise PlacementError(
                    f"tensor {edge.name!r} is read before it is made: groups aren't in order"
                )
        for row, name in zip(self.cost_ns, self.groups, strict=True):
            if len(row) != len(self.units):
                raise PlacementError(
                    f"group {name!r} has {len(row)} costs for {len(self.units)} units"
                )
            if any(cost is not None and cost < 0 for cost in row):
                raise PlacementError(f"group {name!r} has a negative cost: {row}")

    @cached_property
    def predecessors(self) -> tuple[tuple[int, ...], ...]:
        """Groups that make a tensor the group reads, ascending."""
        found: list[set[int]] = [set() for _ in self.groups]
        for edge in self.edges:
            if edge.producer is not None:
                for consumer in edge.consumers:
                    found[consumer].add(edge.producer)
        return tuple(tuple(sorted(row)) for row in found)

    @cached_property
    def successors(self) -> tuple[tuple[int, ...], ...]:
        """Groups that read a tensor the group makes, ascending."""
        found: list[list[int]] = [[] for _ in self.groups]
        for group, before in enumerate(self.predecessors):
            for producer in before:
                found[producer].append(group)
        return tuple(tuple(row) for row in found)

    @cached_property
    def reads(self) -> tuple[tuple[int, ...], ...]:
        """Indices into `edges` that the group reads, ascending."""
        found: list[list[int]] = [[] for _ in self.groups]
        for index, edge in enumerate(self.edges):
            for consumer in edge.consumers:
                found[consumer].append(index)
        return tuple(tuple(row) for row in found)

    def allowed(self, group: int) -> Sequence[int]:
        """Units that can run the group."""
        return [unit for unit, cost in enumerate(self.cost_ns[group]) if cost is not None]

    def source(self, edge: int, unit_of: Sequence[int]) -> int:
        """The unit whose memory holds the tensor first, under an assignment of groups to units."""
        producer = self.edges[edge].producer
        return self.home if producer is None else unit_of[producer]
