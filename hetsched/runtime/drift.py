"""Whether stages still take what their plan says; when they don't, a new plan.

Decisions are functions of what was learnt; `watch` only waits, and carries them out.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final, Protocol, TypeAlias

from hetsched.errors import HetschedError, RunError
from hetsched.logs import fields
from hetsched.plan.model import Plan
from hetsched.quantity import Origin
from hetsched.runtime.learning import RUNS, StageCost
from hetsched.runtime.standins import HERE

_log = logging.getLogger(__name__)

PERIOD_S: Final = 1.0
"""How often it is looked at. A choice."""

Planner: TypeAlias = Callable[[Plan, Sequence[StageCost]], Plan]
"""Makes a new plan of one and of what its stages took; on a thread of its own."""


class Watched(Protocol):
    """What `watch` needs of an app."""

    name: str
    plan: Plan

    def learned(self) -> tuple[StageCost, ...]:
        """What its stages took of late."""
        ...


def factors(costs: Sequence[StageCost]) -> dict[str, float]:
    """Per unit, how many times as long its stages take as the plan says.

    Stages that ran less than `RUNS` times there, or of which the plan says nothing, don't count;
    nor do emulated units, whose times say nothing of what was planned for.
    """
    seen: dict[str, int] = {}
    planned: dict[str, int] = {}
    for cost in costs:
        if cost.origin is Origin.EMULATED:
            continue
        if cost.planned_ns is not None and cost.runs >= RUNS:
            seen[cost.unit] = seen.get(cost.unit, 0) + cost.average_ns
            planned[cost.unit] = planned.get(cost.unit, 0) + cost.planned_ns
    return {unit: max(1, seen[unit]) / planned[unit] for unit in seen if planned[unit]}


def drifted(
    found: Mapping[str, float], bound: float, before: Mapping[str, float]
) -> tuple[str, float] | None:
    """The unit whose times have changed most and its factor, if that is beyond the bound.

    With a bound of 0.3 a unit may take up to 1.3 times as long, and up to 1.3 times less.

    Args:
        found: per unit, as of now.
        bound: above 0.
        before: the same when the plan was last settled; 1 for units that aren't in it.
    """
    changes = {unit: factor / before.get(unit, 1.0) for unit, factor in found.items()}
    if not changes:
        return None
    unit = max(changes, key=lambda each: max(changes[each], 1 / changes[each]))
    change = changes[unit]
    return (unit, found[unit]) if max(change, 1 / change) > 1 + bound else None


def check_bound(bound: float, plan: Plan) -> None:
    """Refuse what isn't a bound, and plans whose times say nothing here.

    Raises:
        RunError: with what would be accepted.
    """
    if plan.profile.name != HERE:
        raise RunError(
            f"replan_beyond: the plan is for {plan.profile.name}, whose times say nothing on this "
            f"machine: give a plan for profile {HERE!r}"
        )
    if isinstance(bound, bool) or not isinstance(bound, int | float) or not 0 < bound <= 100:
        raise RunError(f"replan_beyond is {bound!r}: give a share above 0, such as 0.3 for 30%")


def places(plan: Plan) -> list[tuple[str, tuple[str, ...]]]:
    """Where a plan has which ops."""
    return [(part.unit, part.ops) for part in plan.subgraphs]


async def watch(
    app: Watched,
    bound: float,
    planner: Planner,
    replace: Callable[[Plan, str], Awaitable[None]],
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> None:
    """Until it is cancelled: when times have drifted, plan again and have the app run that.

    Args:
        app: whose times are looked at.
        bound: see `drifted`.
        planner: called on a thread of its own.
        replace: given a plan that puts something elsewhere, and why.
        sleep: waits between two looks.
    """
    before: Mapping[str, float] = {}
    while True:
        await sleep(PERIOD_S)
        costs = app.learned()
        now = factors(costs)
        found = drifted(now, bound, before)
        if found is None:
            continue
        unit, factor = found
        why = f"stages on {unit} take {factor:.2f} times what the plan says"
        told = fields("drift", app=app.name, factor=round(factor, 3), bound=bound)
        _log.info("app %s: %s: planning again", app.name, why, extra=told)
        before = now
        try:
            plan = await asyncio.to_thread(planner, app.plan, costs)
            if places(plan) != places(app.plan):
                await replace(plan, why)
                before = {}
        except HetschedError as error:
            told = fields("replan-failed", app=app.name, reason=str(error))
            _log.warning("app %s keeps its plan: %s", app.name, error, extra=told)
