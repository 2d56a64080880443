"""A schedule in the plan's words: subgraphs, transfers, error bands, energy."""

from collections.abc import Sequence
from dataclasses import dataclass

from hetsched.cost.table import CostTable
from hetsched.cost.transfer import transfer_ns
from hetsched.ir.graph import Graph
from hetsched.place.alternatives import alternatives
from hetsched.place.evaluate import busy_ns, value
from hetsched.place.placement import Schedule, Stage
from hetsched.place.problem import ENERGY, Problem
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


@dataclass(frozen=True, kw_only=True)
class Solved:
    """A problem with its answer, and what its indices stand for.

    Attributes:
        graph: the model's.
        profile: whose units the problem's units are.
        costs: whose groups the problem's groups are.
        problem: with estimates.
        schedule: the answer.
        low: the same stages with every number at the lower end of its error band.
        high: the same stages at the upper end.
    """

    graph: Graph
    profile: Profile
    costs: CostTable
    problem: Problem
    schedule: Schedule
    low: Schedule
    high: Schedule


def describe(solved: Solved) -> Described:
    """Everything the plan says about a schedule."""
    problem, schedule = solved.problem, solved.schedule
    subgraphs = _subgraphs(solved)
    busy = busy_ns(problem, schedule)
    parts = [Part(unit=part.unit, dtype=part.dtype, ops=part.ops) for part in subgraphs]
    return Described(
        subgraphs=subgraphs,
        transfers=_transfers(problem, schedule, subgraphs)
        + _deliveries(solved.graph, solved.profile, subgraphs),
        latency_ns=max(schedule.end_ns, default=0),
        latency_low_ns=max(solved.low.end_ns, default=0),
        latency_high_ns=max(solved.high.end_ns, default=0),
        busiest_ns=max(busy, default=0),
        energy_uj=_energy_uj(problem, schedule, busy),
        peak_memory_bytes=peak_memory_bytes(solved.graph, parts),
    )


def _energy_uj(problem: Problem, schedule: Schedule, busy: Sequence[int]) -> int | None:
    if any(ns and problem.power_mw[unit] is None for unit, ns in enumerate(busy)):
        return None
    return value(problem, schedule, ENERGY)


def _subgraphs(solved: Solved) -> tuple[Subgraph, ...]:
    others = alternatives(solved.problem, solved.schedule)
    order = {op.name: index for index, op in enumerate(solved.graph.ops)}
    return tuple(
        _subgraph(
            solved,
            index,
            tuple(
                sorted(
                    (op for g in stage.groups for op in solved.costs.groups[g].ops),
                    key=order.__getitem__,
                )
            ),
            others[index],
        )
        for index, stage in enumerate(solved.schedule.stages)
    )


def _subgraph(
    solved: Solved, index: int, ops: tuple[str, ...], others: Sequence[tuple[int, int]]
) -> Subgraph:
    stage = solved.schedule.stages[index]
    unit = solved.profile.units[stage.unit]
    inputs, outputs = boundary(solved.graph, ops)
    amounts = _amounts(solved, index, unit)
    return Subgraph(
        id=f"s{index}",
        unit=unit.name,
        dtype=unit.dtype,
        ops=ops,
        inputs=inputs,
        outputs=outputs,
        start_ns=solved.schedule.start_ns[index],
        end_ns=solved.schedule.end_ns[index],
        low_ns=_length_ns(solved.low, index),
        high_ns=_length_ns(solved.high, index),
        cost_origin=weakest(*amounts),
        main_origin=max(amounts, key=lambda origin: (amounts[origin], origin.rank)),
        needs=_needs(solved.graph, ops, unit),
        alternatives=tuple(
            Alternative(
                unit=solved.profile.units[other].name,
                cost_ns=ns,
                origin=_origin(solved, stage, solved.profile.units[other]),
            )
            for other, ns in others
        ),
    )


def _length_ns(schedule: Schedule, index: int) -> int:
    return schedule.end_ns[index] - schedule.start_ns[index]


def _origin(solved: Solved, stage: Stage, unit: Unit) -> Origin:
    names = (solved.costs.groups[group].name for group in stage.groups)
    used = (solved.costs.costs[name, unit.name].origin for name in names)
    return weakest(unit.dispatch_origin, *used)


def _amounts(solved: Solved, index: int, unit: Unit) -> dict[Origin, int]:
    """A stage's duration by origin, in ns: its dispatch, its groups' costs, its copies."""
    stage = solved.schedule.stages[index]
    amount = {unit.dispatch_origin: solved.problem.dispatch_ns[stage.unit]}
    for group in stage.groups:
        cost = solved.costs.costs[solved.costs.groups[group].name, unit.name]
        amount[cost.origin] = amount.get(cost.origin, 0) + cost.latency_ns
    for copy in solved.schedule.copies:
        source = solved.profile.units[copy.source].name
        link = solved.profile.link(source, unit.name)
        if copy.stage == index and link is not None:
            origin = weakest(*(figure.origin for figure in link.figures))
            amount[origin] = amount.get(origin, 0) + copy.duration_ns
    return amount


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
    if profile.requests == "anywhere":
        return ()
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
