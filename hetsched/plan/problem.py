"""From a graph, a profile and costs to the placement problem: names become indices."""

from collections.abc import Mapping
from dataclasses import dataclass

from hetsched.cost.table import CostTable, Group
from hetsched.cost.transfer import transfer_ns
from hetsched.errors import PlacementError
from hetsched.ir.graph import Graph, Tensor
from hetsched.place.problem import Edge, Problem
from hetsched.quantity import End
from hetsched.soc.profile import Profile, Unit

# Who claims ops first where a runtime asks its providers in order: accelerators, then the GPU,
# then the CPU. Source: ONNX Runtime's execution providers documentation, which registers them so.
_CLAIM_ORDER = {"npu": 0, "dsp": 0, "dla": 0, "gpu": 1, "cpu": 2}


@dataclass(frozen=True, kw_only=True)
class Restrictions:
    """What the user forbids.

    Attributes:
        pins: op name to the only unit that may run it.
        max_subgraphs: unit name to the most subgraphs it may get.
    """

    pins: Mapping[str, str]
    max_subgraphs: Mapping[str, int]


NO_RESTRICTIONS = Restrictions(pins={}, max_subgraphs={})


def build_problem(
    graph: Graph,
    profile: Profile,
    costs: CostTable,
    restrictions: Restrictions = NO_RESTRICTIONS,
    end: End = End.ESTIMATE,
) -> Problem:
    """Put everything that placement needs into one solver-free problem.

    A model output made elsewhere than at home is delivered home by the stage that makes it: that
    copy is part of its group's cost there, and later readers at home find it for free. Where the
    profile has requests anywhere, the model's inputs and outputs cross nothing.

    Args:
        graph: the model's.
        profile: the SoC.
        costs: of the model's groups on the SoC's units.
        restrictions: what the user forbids.
        end: take the estimates, or one end of all error bands: costs, dispatches, copies, power.

    Raises:
        PlacementError: when a pin names an unknown op or unit, or two pins split a fused group.
    """
    _check(graph, profile, restrictions)
    units = profile.units
    home = [unit.name for unit in units].index(profile.home)
    refusals = {
        (index, at): reason
        for index, group in enumerate(costs.groups)
        for at, unit in enumerate(units)
        if (reason := _refusal(group, unit.name, costs, restrictions.pins)) is not None
    }
    rows = [
        tuple(
            None if (index, at) in refusals else costs.costs[group.name, unit.name].at(end)
            for at, unit in enumerate(units)
        )
        for index, group in enumerate(costs.groups)
    ]
    edges, deliveries = _edges(graph, profile, costs.groups, end)
    for producer, row in deliveries:
        rows[producer] = tuple(
            None if cost is None else cost + extra
            for cost, extra in zip(rows[producer], row, strict=True)
        )
    return Problem(
        groups=tuple(group.name for group in costs.groups),
        units=tuple(unit.name for unit in units),
        cost_ns=tuple(rows),
        edges=edges,
        home=home,
        dispatch_ns=tuple(round(unit.dispatch.fixed_ns(end)) for unit in units),
        power_mw=tuple(_power_mw(unit, end) for unit in units),
        max_stages=tuple(_cap(unit, restrictions) for unit in units),
        weights_bytes=tuple(
            tuple(weights_bytes(graph, group.ops, unit.dtype) for unit in units)
            for group in costs.groups
        ),
        memory_bytes=tuple(unit.memory_bytes for unit in units),
        refusals=refusals,
        priority=_priority(units),
        cpus=tuple(at for at, unit in enumerate(units) if unit.kind == "cpu"),
    )


def stored_bytes(tensor: Tensor, dtype: str) -> int:
    """Size of a tensor on a unit that computes in `dtype`: float tensors are kept in that dtype."""
    return tensor.nbytes(dtype if tensor.dtype == "float32" else None) or 0


def weights_bytes(graph: Graph, ops: tuple[str, ...], dtype: str) -> int:
    """Memory of the constants that some ops read, each once, on a unit that computes in `dtype`."""
    names = {name for op in ops for name in graph.op[op].reads if name in graph.constants}
    return sum(stored_bytes(graph.tensors[name], dtype) for name in names)


def _check(graph: Graph, profile: Profile, restrictions: Restrictions) -> None:
    names = [unit.name for unit in profile.units]
    for op, unit in restrictions.pins.items():
        if op not in graph.op:
            raise PlacementError(f"pin {op}={unit}: the model has no op {op!r}")
        if unit not in names:
            raise PlacementError(
                f"pin {op}={unit}: {profile.name} has no unit {unit!r}, only {', '.join(names)}"
            )
    for unit in restrictions.max_subgraphs:
        if unit not in names:
            raise PlacementError(
                f"max subgraphs: {profile.name} has no unit {unit!r}, only {', '.join(names)}"
            )


def _refusal(group: Group, unit: str, costs: CostTable, pins: Mapping[str, str]) -> str | None:
    """Why the unit doesn't run the group, None where it does."""
    away = next((op for op in group.ops if pins.get(op, unit) != unit), None)
    if away is not None:
        return f"op {away!r} is pinned to {pins[away]}"
    if (group.name, unit) in costs.costs:
        return None
    reasons = [
        f"{op!r}: {costs.refusals[op, unit]}" for op in group.ops if (op, unit) in costs.refusals
    ]
    return "; ".join(reasons) or "no cost is known"


def _power_mw(unit: Unit, end: End) -> float | None:
    if unit.power is None or unit.power_mw is None:
        return None
    return (
        unit.power_mw * {End.ESTIMATE: 1.0, End.LOW: unit.power.low, End.HIGH: unit.power.high}[end]
    )


def _cap(unit: Unit, restrictions: Restrictions) -> int | None:
    given = restrictions.max_subgraphs.get(unit.name)
    caps = [cap for cap in (given, unit.max_subgraphs) if cap is not None]
    return min(caps) if caps else None


def _priority(units: tuple[Unit, ...]) -> tuple[int, ...]:
    return tuple(sorted(range(len(units)), key=lambda at: (_CLAIM_ORDER[units[at].kind], at)))


def _edges(
    graph: Graph, profile: Profile, groups: tuple[Group, ...], end: End
) -> tuple[tuple[Edge, ...], list[tuple[int, tuple[int, ...]]]]:
    """Tensors that cross groups, and per model output its maker and the cost of delivery home."""
    group_of = {op: index for index, group in enumerate(groups) for op in group.ops}
    names = [unit.name for unit in profile.units]
    home = names.index(profile.home)
    anywhere = profile.requests == "anywhere"
    edges: list[Edge] = []
    deliveries: list[tuple[int, tuple[int, ...]]] = []
    for name, producer in _candidates(graph, group_of):
        if producer is None and anywhere:
            continue
        tensor = graph.tensors[name]
        copies = tuple(tuple(transfer_ns(tensor, profile, a, b, end) for b in names) for a in names)
        if name in graph.outputs and producer is not None and not anywhere:
            deliveries.append((producer, tuple(row[home] for row in copies)))
            copies = tuple(
                tuple(0 if b == home else ns for b, ns in enumerate(row)) for row in copies
            )
        readers = sorted({group_of[op.name] for op in graph.consumers.get(name, ())} - {producer})
        if readers:
            edges.append(
                Edge(
                    name=name,
                    producer=producer,
                    consumers=tuple(r for r in readers if r is not None),
                    size_bytes=graph.tensors[name].nbytes() or 0,
                    transfer_ns=copies,
                )
            )
    return tuple(edges), deliveries


def _candidates(graph: Graph, group_of: Mapping[str, int]) -> list[tuple[str, int | None]]:
    made = [(name, group_of[op.name]) for op in graph.ops for name in op.writes]
    return [*((name, None) for name in graph.inputs), *made]
