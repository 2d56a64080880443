"""A schedule in the plan's words: subgraphs, transfers, error bands, energy."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from hetsched.cost.table import Cost, CostTable
from hetsched.cost.transfer import transfer_ns
from hetsched.ir.graph import Graph
from hetsched.place.alternatives import alternatives
from hetsched.place.evaluate import evaluate
from hetsched.place.placement import Schedule, Stage
from hetsched.place.problem import Problem
from hetsched.plan.memory import Part, peak_memory_bytes
from hetsched.plan.model import Alternative, Subgraph, Transfer
from hetsched.quantity import Origin, weakest
from hetsched.soc.profile import Profile, Unit

_REDUCED = ("float16", "bfloat16", "int8", "uint8", "int16")


@dataclass(frozen=True, kw_only=True)
class Described:
    """A schedule as the plan file tells it."""

    subgraphs: tuple[Subgraph, ...]
    transfers: tuple[Transfer, ...]
    latency_ns: int
    latency_low_ns: int
    latency_high_ns: int
    busiest_ns: int
    energy_uj: int | None
    peak_memory_bytes: dict[str, int]


def describe(
    graph: Graph, profile: Profile, costs: CostTable, problem: Problem, schedule: Schedule
) -> Described:
    """Everything the plan says about a schedule."""
    low, high = (_latency_ns(_banded(problem, costs, end), schedule) for end in ("low", "high"))
    subgraphs = _subgraphs(graph, profile, costs, problem, schedule)
    busy = _busy_ns(problem, schedule)
    parts = [Part(unit=part.unit, dtype=part.dtype, ops=part.ops) for part in subgraphs]
    return Described(
        subgraphs=subgraphs,
        transfers=_transfers(problem, schedule, subgraphs) + _deliveries(graph, profile, subgraphs),
        latency_ns=max(schedule.end_ns, default=0),
        latency_low_ns=low,
        latency_high_ns=high,
        busiest_ns=max(busy, default=0),
        energy_uj=_energy_uj(problem, busy),
        peak_memory_bytes=peak_memory_bytes(graph, parts),
    )


def _latency_ns(problem: Problem, schedule: Schedule) -> int:
    return max(evaluate(problem, schedule.stages).end_ns, default=0)


def _shift_ns(cost: Cost | None, end: str) -> int:
    if cost is None:
        return 0
    return (cost.low_ns if end == "low" else cost.high_ns) - cost.latency_ns


def _banded(problem: Problem, costs: CostTable, end: str) -> Problem:
    """The same problem with every group's cost at one end of its error band."""
    rows = tuple(
        tuple(
            None if ns is None else max(0, ns + _shift_ns(costs.costs.get((name, unit)), end))
            for ns, unit in zip(row, problem.units, strict=True)
        )
        for name, row in zip(problem.groups, problem.cost_ns, strict=True)
    )
    return replace(problem, cost_ns=rows)


def _busy_ns(problem: Problem, schedule: Schedule) -> list[int]:
    busy = [0] * len(problem.units)
    for stage, start, end in zip(schedule.stages, schedule.start_ns, schedule.end_ns, strict=True):
        busy[stage.unit] += end - start
    return busy


def _energy_uj(problem: Problem, busy: Sequence[int]) -> int | None:
    total = 0.0
    for unit, ns in enumerate(busy):
        power_mw = problem.power_mw[unit]
        if ns and power_mw is None:
            return None
        total += ns * (power_mw or 0.0) * 1e-6  # 1 mW x 1 ns = 1e-6 uJ
    return round(total)


def _subgraphs(
    graph: Graph, profile: Profile, costs: CostTable, problem: Problem, schedule: Schedule
) -> tuple[Subgraph, ...]:
    others = alternatives(problem, schedule)
    order = {op.name: index for index, op in enumerate(graph.ops)}
    ops_of = [
        tuple(
            sorted((op for g in stage.groups for op in costs.groups[g].ops), key=order.__getitem__)
        )
        for stage in schedule.stages
    ]
    return tuple(
        _subgraph(graph, profile, costs, problem, schedule, index, ops, others[index])
        for index, ops in enumerate(ops_of)
    )


def _subgraph(
    graph: Graph,
    profile: Profile,
    costs: CostTable,
    problem: Problem,
    schedule: Schedule,
    index: int,
    ops: tuple[str, ...],
    others: Sequence[tuple[int, int]],
) -> Subgraph:
    stage = schedule.stages[index]
    unit = profile.units[stage.unit]
    length = schedule.end_ns[index] - schedule.start_ns[index]
    used = _costs(costs, stage, unit.name)
    inputs, outputs = boundary(graph, ops)
    return Subgraph(
        id=f"s{index}",
        unit=unit.name,
        dtype=unit.dtype,
        ops=ops,
        inputs=inputs,
        outputs=outputs,
        start_ns=schedule.start_ns[index],
        end_ns=schedule.end_ns[index],
        low_ns=max(0, length + sum(_shift_ns(cost, "low") for cost in used)),
        high_ns=length + sum(_shift_ns(cost, "high") for cost in used),
        cost_origin=_origin(used, unit),
        needs=_needs(graph, ops, unit),
        alternatives=tuple(
            Alternative(
                unit=problem.units[other],
                cost_ns=ns,
                origin=_origin(_costs(costs, stage, problem.units[other]), profile.units[other]),
            )
            for other, ns in others
        ),
    )


def _costs(costs: CostTable, stage: Stage, unit: str) -> list[Cost]:
    return [costs.costs[costs.groups[group].name, unit] for group in stage.groups]


def _origin(used: Sequence[Cost], unit: Unit) -> Origin:
    return weakest(unit.dispatch_origin, *(cost.origin for cost in used))


def _needs(graph: Graph, ops: Sequence[str], unit: Unit) -> tuple[str, ...]:
    """What the unit's arithmetic asks of a model that doesn't bring it."""
    if unit.dtype not in _REDUCED:
        return ()
    made = (graph.tensors[name].dtype for op in ops for name in graph.op[op].writes)
    if not any(dtype in ("float32", "float64") for dtype in made):
        return ()
    return (f"needs {unit.dtype}, accuracy not checked",)


def boundary(graph: Graph, ops: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Tensors that some ops read from outside, and that others or the caller need from them."""
    inside = set(ops)
    made = [name for op in ops for name in graph.op[op].writes]
    reads = dict.fromkeys(name for op in ops for name in graph.op[op].reads)
    own = set(made)
    inputs = tuple(name for name in reads if name not in own and name not in graph.constants)
    outputs = tuple(
        name
        for name in made
        if name in graph.outputs
        or any(op.name not in inside for op in graph.consumers.get(name, ()))
    )
    return inputs, outputs


def _transfers(
    problem: Problem, schedule: Schedule, subgraphs: Sequence[Subgraph]
) -> tuple[Transfer, ...]:
    return tuple(
        Transfer(
            tensor=problem.edges[copy.edge].name,
            source=problem.units[copy.source],
            target=problem.units[copy.target],
            subgraph=subgraphs[copy.stage].id,
            size_bytes=problem.edges[copy.edge].size_bytes,
            duration_ns=copy.duration_ns,
        )
        for copy in schedule.copies
    )


def _deliveries(
    graph: Graph, profile: Profile, subgraphs: Sequence[Subgraph]
) -> tuple[Transfer, ...]:
    """Model outputs made elsewhere than at home, brought there by the subgraph that makes them."""
    return tuple(
        Transfer(
            tensor=name,
            source=part.unit,
            target=profile.home,
            subgraph=part.id,
            size_bytes=graph.tensors[name].nbytes() or 0,
            duration_ns=transfer_ns(graph.tensors[name], profile, part.unit, profile.home),
        )
        for part in subgraphs
        if part.unit != profile.home
        for name in part.outputs
        if name in graph.outputs
    )
