"""A plan's subgraphs measured whole, and the placement solved again with what was learnt.

Summed costs of groups leave out what only shows in a stage that runs: values that were in the cache
inside a session and aren't behind a cut, memory that a session plans as one. So on a machine that
is at hand the stages of the plan found are measured. What they typically take beyond their groups
is the price of a cut, and goes to the dispatch; the rest scales their groups. Then the search
starts again, until it finds stages that were measured, or a few times. The best measured plan is
the answer.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median

import msgspec

from hetsched.backends.base import StageSpec
from hetsched.cost.bands import Band
from hetsched.cost.measure import Progress
from hetsched.cost.measure_stages import measure_stages
from hetsched.cost.measured import Host
from hetsched.cost.table import Cost, CostTable
from hetsched.ir.model import Model
from hetsched.place.evaluate import evaluate
from hetsched.place.placement import Stage
from hetsched.place.validate import objective_value
from hetsched.plan.build import Outcome, Request, make
from hetsched.plan.model import Subgraph
from hetsched.plan.problem import Restrictions, build_problem
from hetsched.quantity import Origin
from hetsched.soc.figure import Figure
from hetsched.soc.profile import Profile

ROUNDS = 3
BUDGET_S = 2.0
"""Wall time for running the stages of one plan; compiling comes on top."""

_FEW = 3
"""Cuts that don't tell what a cut typically costs."""


@dataclass(frozen=True, kw_only=True)
class Learnt:
    """What a plan's measured stages say.

    Attributes:
        costs: of groups: with their dispatch they add up to the measured stages.
        stages: of the plan that was measured.
        subgraphs: the same in the plan's words.
        times: of each, measured.
        value: the plan's objective with these costs.
    """

    costs: CostTable
    stages: tuple[Stage, ...]
    subgraphs: tuple[Subgraph, ...]
    times: tuple[Band, ...]
    value: int


def settled(
    model: Model,
    here: Host,
    request: Request,
    costs: CostTable,
    outcome: Outcome,
    *,
    budget_s: float = BUDGET_S,
    progress: Progress | None = None,
) -> Outcome:
    """Measure the plan's subgraphs whole and plan again, until the plan stays.

    Args:
        model: that is planned.
        here: this machine, for whose profile the plan is.
        request: what to plan for.
        costs: of the model's groups.
        outcome: the plan for these costs.
        budget_s: wall time for running each plan's stages.
        progress: told the share of each round that is done.

    Raises:
        CostError: when a subgraph can't run here.
    """
    if not outcome.plan.subgraphs:
        return outcome
    found: list[Learnt] = []
    profile = here.profile
    for _ in range(ROUNDS):
        stages, parts = outcome.placement.schedule.stages, outcome.plan.subgraphs
        if any(stages == learnt.stages for learnt in found):
            break
        times = stage_times(model, here, parts, budget_s=budget_s, progress=progress)
        profile, better = learn(here, profile, costs, parts, times)
        value = _value(model, profile, better, request, stages)
        found.append(Learnt(costs=better, stages=stages, subgraphs=parts, times=times, value=value))
        outcome = make(model, profile, request, better)
    best = min(found, key=lambda learnt: learnt.value)
    if best is not found[-1] or outcome.placement.schedule.stages != best.stages:
        profile, better = learn(here, profile, costs, best.subgraphs, best.times)
        outcome = make(model, profile, request, better, keep=best.stages)
    note = "every subgraph was measured whole, on this machine"
    return replace(outcome, notes=(*outcome.notes, note))


def stage_times(
    model: Model,
    here: Host,
    subgraphs: Sequence[Subgraph],
    *,
    budget_s: float = BUDGET_S,
    progress: Progress | None = None,
) -> tuple[Band, ...]:
    """Time of each subgraph on its unit, dispatch included.

    Raises:
        CostError: when a subgraph can't run here.
    """
    cpus = {core.unit: core.cpus for cluster in here.clusters for core in cluster.cores}
    return measure_stages(
        model,
        specs(subgraphs),
        [cpus[part.unit] for part in subgraphs],
        threads=here.threads,
        budget_s=budget_s,
        progress=progress,
    )


def specs(subgraphs: Sequence[Subgraph]) -> list[StageSpec]:
    """A plan's subgraphs as a backend takes them."""
    return [StageSpec(id=part.id, ops=part.ops, outputs=part.outputs) for part in subgraphs]


def learn(
    here: Host,
    profile: Profile,
    costs: CostTable,
    subgraphs: Sequence[Subgraph],
    times: Sequence[Band],
) -> tuple[Profile, CostTable]:
    """Dispatches and group costs with which each subgraph takes what was measured.

    Equal cores learn from each other.

    Args:
        here: this machine.
        profile: of it, with what is known of dispatches so far: they only grow.
        costs: of groups, as measured in the whole model.
        subgraphs: of a plan.
        times: of each, dispatch included.
    """
    alike = {
        core.unit: tuple(other.unit for other in cluster.cores)
        for cluster in here.clusters
        for core in cluster.cores
    }
    group_of = {op: group.name for group in costs.groups for op in group.ops}
    rows = [
        (part.unit, tuple(dict.fromkeys(group_of[op] for op in part.ops)), measured)
        for part, measured in zip(subgraphs, times, strict=True)
    ]
    dispatch = _dispatch(profile, alike, costs, rows)
    fresh = dict(costs.costs)
    for unit, groups, measured in rows:
        scaled = _scaled(groups, unit, costs.costs, measured, dispatch[unit])
        fresh.update({(name, other): scaled[name] for name in scaled for other in alike[unit]})
    return _with_dispatch(profile, dispatch, len(rows)), replace(costs, costs=fresh)


_Row = tuple[str, tuple[str, ...], Band]


def _dispatch(
    profile: Profile,
    alike: Mapping[str, tuple[str, ...]],
    costs: CostTable,
    rows: Sequence[_Row],
) -> dict[str, int]:
    """What a stage takes beyond its groups, typically; at least what is known."""
    found = {}
    for units in dict.fromkeys(alike.values()):
        beyond = [
            measured.latency_ns - sum(costs.costs[name, unit].latency_ns for name in groups)
            for unit, groups, measured in rows
            if unit in units
        ]
        least = profile.unit(units[0]).dispatch_ns
        typical = round(median(beyond)) if len(beyond) >= _FEW else least
        found.update(dict.fromkeys(units, max(least, typical)))
    return found


def _scaled(
    groups: Sequence[str],
    unit: str,
    costs: Mapping[tuple[str, str], Cost],
    measured: Band,
    dispatch_ns: int,
) -> dict[str, Cost]:
    """The groups' costs, scaled to what the stage took beside its dispatch."""
    work_ns = max(0, measured.latency_ns - dispatch_ns)
    known_ns = sum(costs[name, unit].latency_ns for name in groups)
    if not known_ns or not measured.latency_ns:
        return {}
    low, high = (end / measured.latency_ns for end in (measured.low_ns, measured.high_ns))
    found = {}
    for name in groups:
        latency_ns = round(costs[name, unit].latency_ns * work_ns / known_ns)
        found[name] = replace(
            costs[name, unit],
            latency_ns=latency_ns,
            low_ns=round(latency_ns * low),
            high_ns=round(latency_ns * high),
        )
    return found


def _with_dispatch(profile: Profile, dispatch: Mapping[str, int], stages: int) -> Profile:
    units = []
    for unit in profile.units:
        if dispatch[unit.name] == unit.dispatch_ns:
            units.append(unit)
            continue
        figure = Figure(
            value=dispatch[unit.name] / 1e3,
            unit="us",
            origin=Origin.MEASURED,
            source=f"what {stages} subgraphs of a plan took beyond their groups, the median",
            low=min(1.0, unit.dispatch_ns / dispatch[unit.name]),
            high=1.0,
        )
        units.append(msgspec.structs.replace(unit, dispatch=figure))
    return msgspec.structs.replace(profile, units=tuple(units))


def _value(
    model: Model, profile: Profile, costs: CostTable, request: Request, stages: Sequence[Stage]
) -> int:
    restrictions = Restrictions(pins=request.pins, max_subgraphs=request.max_subgraphs)
    problem = build_problem(model.graph, profile, costs, restrictions)
    return objective_value(problem, evaluate(problem, stages), request.objective)
