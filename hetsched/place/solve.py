"""The door of placement: baselines, the objective's solver, validation, status and bound."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace

from hetsched.errors import PlacementError
from hetsched.place.baselines import baselines
from hetsched.place.evaluate import score, to_uj, value
from hetsched.place.feasible import diagnose, infeasible_by_limits, usable_power_uw
from hetsched.place.limits import Limits
from hetsched.place.loads import solve_loads
from hetsched.place.placement import Placement, Schedule, Status
from hetsched.place.problem import ENERGY, LATENCY, OBJECTIVES, Problem
from hetsched.place.tidy import tidied
from hetsched.place.validate import validate

WORK_PER_SECOND = 0.15
"""CP-SAT's deterministic time that a second is taken to cover: an assumption on the low side, so
that normally the work ends a search and not the clock."""

_CLOSING_SHARE = 0.03
"""Part of the time limit for the last checks; at least as much as the baselines took."""


def place(
    problem: Problem,
    *,
    objective: str = LATENCY,
    gap: float = 0.01,
    time_limit_s: float = 10.0,
    seed: int = 0,
) -> Placement:
    """Find the best schedule, never worse than any baseline, with a bound on what is possible.

    The same problem and options give the same placement: searches stop at a gap or after an amount
    of work that normally takes less than the time limit. Only on a machine too slow or busy for
    that amount does the clock stop them, and the placement may then differ from run to run.

    Args:
        problem: what is placed.
        objective: `latency`, `throughput` or `energy`.
        gap: (value - bound) / value at which the answer counts as optimal.
        time_limit_s: wall time for everything; the best answer so far is returned.
        seed: of all random choices.

    Raises:
        InfeasibleError: when there is no placement (naming the group and each unit's refusal, or
            the limits).
        PlacementError: when the objective is unknown, when no placement was found in time, or for
            energy when the power of a unit that could be used isn't known (naming it).
    """
    began = time.monotonic()
    if objective not in OBJECTIVES:
        raise PlacementError(f"unknown objective {objective!r}: give {', '.join(OBJECTIVES)}")
    if not 0 <= gap < 1:
        raise PlacementError(f"gap {gap} must be at least 0 and below 1, such as 0.01")
    if time_limit_s <= 0:
        raise PlacementError(f"time limit {time_limit_s} s must be above 0")
    if not problem.groups:
        raise PlacementError("nothing to place: the model has no op left to run")
    diagnose(problem)
    if objective == ENERGY:
        usable_power_uw(problem)
    others = baselines(problem, objective)
    name, floor = _best(problem, objective, others)
    spent_s = time.monotonic() - began
    limits = Limits(
        gap=gap,
        work=time_limit_s * WORK_PER_SECOND,
        limit_s=time_limit_s,
        deadline=began + time_limit_s - max(_CLOSING_SHARE * time_limit_s, spent_s),
        seed=seed,
    )
    if floor is None:
        name, floor = "first found", _any(problem, limits)
    starts = sorted(
        [floor, *(found for found in others.values() if found is not None and found is not floor)],
        key=lambda found: score(problem, found, objective),
    )
    schedule, bound, method = _solve(problem, objective, starts, limits)
    if score(problem, schedule, objective) >= score(problem, floor, objective):
        schedule, method = floor, name
    schedule = tidied(problem, schedule, objective, limits)
    reached = value(problem, schedule, objective)
    validate(problem, schedule, objective=objective, value=reached)
    lowest = min(reached, to_uj(bound) if objective == ENERGY else bound)
    return Placement(
        status=Status.OPTIMAL if reached - lowest <= gap * reached else Status.FEASIBLE,
        objective=objective,
        value=reached,
        bound=lowest,
        solve_s=time.monotonic() - began,
        schedule=schedule,
        baselines={
            key: None if found is None else value(problem, found, objective)
            for key, found in others.items()
        },
        method=method,
    )


def _best(
    problem: Problem, objective: str, others: Mapping[str, Schedule | None]
) -> tuple[str, Schedule | None]:
    """The best baseline and its name; the first of equals."""
    known = [(score(problem, found, objective), name) for name, found in others.items() if found]
    if not known:
        return "", None
    least = min(value for value, _ in known)
    name = next(name for value, name in known if value == least)
    return name, others[name]


def _any(problem: Problem, limits: Limits) -> Schedule:
    """Some valid schedule, for problems that no baseline can solve.

    Raises:
        InfeasibleError: when there is none.
        PlacementError: when none was found in time.
    """
    from hetsched.place.cpsat.throughput import solve_throughput

    found = solve_throughput(problem, None, replace(limits, gap=0.99))
    if found.infeasible:
        raise infeasible_by_limits(problem)
    if found.schedule is None:
        raise PlacementError(
            "no placement that keeps all units' limits was found in time: give a longer time limit"
        )
    return found.schedule


def _solve(
    problem: Problem, objective: str, starts: Sequence[Schedule], limits: Limits
) -> tuple[Schedule, int, str]:
    """The objective's own solver: schedule, bound as a score, and the method's name."""
    if objective == LATENCY:
        from hetsched.place.latency import solve_latency

        answer = solve_latency(
            problem,
            floor=starts[0],
            gap=limits.gap,
            time_limit_s=max(0.01, limits.left_s),
            seed=limits.seed,
            budget_s=limits.limit_s,
        )
        return answer.schedule, answer.bound, answer.method
    return solve_loads(problem, objective, starts, limits)
