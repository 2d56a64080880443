"""What was learnt while running, for people, for the cost store, and for a new plan."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from hetsched.backends.base import is_emulated
from hetsched.cost.bands import band
from hetsched.plan.model import Plan
from hetsched.quantity import Origin
from hetsched.runtime.learning import RUNS, StageCost
from hetsched.runtime.units import RuntimeUnit

if TYPE_CHECKING:
    from hetsched.cost.measured import Host
    from hetsched.cost.observed import Observed
    from hetsched.cost.store import CostStore
    from hetsched.cost.table import CostTable
    from hetsched.ir.model import Model
    from hetsched.runtime.program import Program

ORT = "ort"
"""Name of the backend whose times the store's measurements of this machine are of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """What came of saving.

    Attributes:
        stages: how many stages' times are in the store now.
        left_out: why others aren't, one line each.
    """

    stages: int
    left_out: tuple[str, ...]


def stage_costs(program: "Program", units: Sequence[RuntimeUnit]) -> tuple[StageCost, ...]:
    """What the stages of a program took of late, by stage and unit."""
    if program.learned is None:
        return ()
    found = []
    for (number, unit), (average_ns, runs, times) in sorted(program.learned.places().items()):
        stage, seen = program.wired.stages[number], band(times)
        planned_ns = dict(stage.units).get(unit, 0)
        found.append(
            StageCost(
                stage=stage.id,
                unit=units[unit].name,
                latency_ns=seen.latency_ns,
                low_ns=seen.low_ns,
                high_ns=seen.high_ns,
                average_ns=average_ns,
                planned_ns=planned_ns or None,
                runs=runs,
                origin=origin_on(units[unit]),
            )
        )
    return tuple(found)


def origin_on(unit: RuntimeUnit) -> Origin:
    """What times are that were taken on a unit."""
    return Origin.EMULATED if is_emulated(unit.backend) else Origin.MEASURED


def save(
    learned: Sequence[tuple[Plan, Sequence[StageCost]]],
    units: Sequence[RuntimeUnit],
    store: "CostStore | Path | None",
) -> Saved:
    """Correct the store's measurements of this machine by what stages took.

    Times of emulated units, and of other backends than ONNX Runtime's on the CPU, stay out.

    Args:
        learned: each app's plan and what its stages took.
        units: the runtime's.
        store: the cost store or its path; by default the user's.

    Raises:
        CostError: when the store can't be used.
    """
    from hetsched.cost.measured import host  # heavy

    here = host(store)
    stages, left_out = 0, []
    for plan, costs in learned:
        fitting, reasons = _fitting(plan, costs, units)
        left_out += reasons
        for unit, observed in fitting.items():
            count, why = _correct(here, plan, unit, observed)
            stages += count
            left_out += [] if why is None else [why]
    return Saved(stages=stages, left_out=tuple(dict.fromkeys(left_out)))


def _fitting(
    plan: Plan, costs: Sequence[StageCost], units: Sequence[RuntimeUnit]
) -> tuple[dict[str, list["Observed"]], list[str]]:
    """By unit, what may go into the store; and why the rest may not."""
    from hetsched.cost.observed import Observed

    backends = {unit.name: unit.backend.name for unit in units}
    ops = {part.id: part.ops for part in plan.subgraphs}
    fitting: dict[str, list[Observed]] = {}
    reasons = []
    for cost in sorted(costs, key=lambda each: each.runs):  # of equal cores the last one counts
        if cost.origin is Origin.EMULATED:
            reasons.append(f"unit {cost.unit} is emulated: its times are no measurements")
        elif cost.runs < RUNS:
            reasons.append(f"stage {cost.stage} ran {cost.runs} times on unit {cost.unit}: too few")
        elif backends[cost.unit] != ORT:
            reasons.append(f"unit {cost.unit} is of backend {backends[cost.unit]}, not of {ORT}")
        else:
            fitting.setdefault(cost.unit, []).append(
                Observed(
                    ops=ops[cost.stage],
                    latency_ns=cost.latency_ns,
                    low_ns=cost.low_ns,
                    high_ns=cost.high_ns,
                    runs=cost.runs,
                )
            )
    return fitting, reasons


def _correct(
    here: "Host", plan: Plan, unit: str, observed: Sequence["Observed"]
) -> tuple[int, str | None]:
    from hetsched.cost.measured import unit_facts
    from hetsched.cost.observed import corrected
    from hetsched.cost.store_records import MODEL

    clusters = {core.unit: cluster for cluster in here.clusters for core in cluster.cores}
    if unit not in clusters:
        return 0, f"unit {unit} is none of this machine's"
    facts = unit_facts(clusters[unit], here.threads)
    known = here.store.get(MODEL, plan.model.prepared_sha256, facts)
    if known is None:
        return 0, f"{plan.model.name} was never measured on {unit}: `hetsched measure` does that"
    now = datetime.now(UTC).isoformat(timespec="seconds")
    dispatch_ns = here.profile.unit(unit).dispatch_ns
    measurement, count = corrected(known, observed, dispatch_ns, now)
    if count:
        here.store.put(measurement, facts)
    if count < len(observed):
        return count, f"{len(observed) - count} stages on {unit} cut through fused groups"
    return count, None


def plan_again(model: "Model | None", plan: Plan, costs: Sequence[StageCost]) -> Plan:
    """Plan for this machine with costs as they are now; the store stays as it is.

    Args:
        model: the plan's when it is loaded already.
        plan: of this machine.
        costs: what its stages took of late.

    Raises:
        HetschedError: when no plan is found.
    """
    from hetsched.cost.measured import host_costs
    from hetsched.plan.again import continued, request_like
    from hetsched.plan.build import make
    from hetsched.plan.files import as_planned

    if model is None:
        from hetsched.ir.load import load

        model = load(plan.model.ref, shapes=plan.model.shapes)
    model = as_planned(plan, model)
    profile, table = host_costs(model)
    scaled = as_seen(plan, table, costs, {unit.name: unit.dispatch_ns for unit in profile.units})
    return continued(plan, make(model, profile, request_like(plan), scaled).plan)


def as_seen(
    plan: Plan, table: "CostTable", costs: Sequence[StageCost], dispatch_ns: Mapping[str, int]
) -> "CostTable":
    """Costs with which each stage takes, with a dispatch, what it was seen to take.

    What wasn't seen on a unit is scaled as what was seen there altogether; stages that ran less
    than `RUNS` times don't count, nor do the times of emulated units.
    """
    ops = {part.id: set(part.ops) for part in plan.subgraphs}
    factors: dict[tuple[str, str], float] = {}  # by group and unit
    totals: dict[str, tuple[int, int]] = {}
    for cost in costs:
        inside = [group.name for group in table.groups if ops[cost.stage].issuperset(group.ops)]
        known = [table.costs.get((group, cost.unit)) for group in inside]
        work_ns = sum(each.latency_ns for each in known if each is not None)
        if cost.runs < RUNS or not work_ns or cost.origin is Origin.EMULATED:
            continue
        seen_ns = max(1, cost.average_ns - dispatch_ns[cost.unit])
        factors |= {(group, cost.unit): seen_ns / work_ns for group in inside}
        before = totals.get(cost.unit, (0, 0))
        totals[cost.unit] = (before[0] + seen_ns, before[1] + work_ns)
    scaled = {}
    for (group, unit), known_cost in table.costs.items():
        seen_ns, work_ns = totals.get(unit, (1, 1))
        factor = factors.get((group, unit), seen_ns / work_ns)
        scaled[group, unit] = replace(
            known_cost,
            latency_ns=round(known_cost.latency_ns * factor),
            low_ns=round(known_cost.low_ns * factor),
            high_ns=round(known_cost.high_ns * factor),
        )
    return replace(table, costs=scaled)
