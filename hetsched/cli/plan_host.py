"""Planning for this machine: measure, place, measure the plan's subgraphs, place again."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hetsched.ir.model import Model
    from hetsched.plan.build import Outcome, Request


def plan_here(
    model: "Model", request: "Request", store: Path | None, threads: Sequence[int]
) -> "Outcome":
    """The best plan on this machine's cores.

    Args:
        model: what to place.
        request: what for.
        store: of costs; by default the user's.
        threads: how many cores a unit has and a run takes: each count is tried.

    Raises:
        CostError: see `hetsched.cost.measured.host_costs`.
        PlacementError: where no plan exists for one of the counts.
    """
    found = [_plan(model, request, store, count) for count in threads]
    best = min(found, key=lambda outcome: outcome.plan.objective.value)
    if len(found) == 1:
        return best
    return replace(best, notes=(*best.notes, _compared(found, threads)))


def _plan(model: "Model", request: "Request", store: Path | None, threads: int) -> "Outcome":
    from hetsched.cli.progress import step
    from hetsched.cost.measured import host, host_costs
    from hetsched.plan.build import make
    from hetsched.plan.settle import settled

    with step("measuring this machine"):
        here = host(store, threads)
        soc, costs = host_costs(model, store=here.store, threads=threads)
    with step("placing"):
        outcome = make(model, soc, request, costs)
    with step("measuring the plan's subgraphs, and placing again"):
        return settled(model, here, request, costs, outcome)


def _compared(found: "Sequence[Outcome]", threads: Sequence[int]) -> str:
    from hetsched.quantity import format_ns

    def value(outcome: "Outcome") -> str:
        objective = outcome.plan.objective
        number = objective.value
        return format_ns(number) if objective.unit == "ns" else f"{number} {objective.unit}"

    each = (
        f"{value(outcome)} with {count} thread{'s' * (count != 1)} a unit"
        for count, outcome in zip(threads, found, strict=True)
    )
    return f"tried {', '.join(each)}: the best is kept"
