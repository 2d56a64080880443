"""The schedule that ends earliest, and how early any schedule can end."""

from dataclasses import dataclass

from hetsched import _core
from hetsched.place.evaluate import evaluate
from hetsched.place.native import native_problem, to_rows, to_stages
from hetsched.place.placement import Schedule
from hetsched.place.problem import Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class LatencyResult:
    """What was found.

    Attributes:
        schedule: valid, never worse than the floor.
        bound: no schedule ends before this, in ns.
        method: what found the schedule.
    """

    schedule: Schedule
    bound: int
    method: str


def solve_latency(
    problem: Problem, *, floor: Schedule, gap: float, time_limit_s: float, seed: int
) -> LatencyResult:
    """Search for the schedule with the earliest end.

    Args:
        problem: what is placed.
        floor: a valid schedule; the answer is never worse.
        gap: stop as soon as (value - bound) / value is at most this.
        time_limit_s: return the best so far after this.
        seed: of the random searches; the same seed gives the same answer unless time ran out.
    """
    native = native_problem(problem)
    bound = max(_core.path_bound(native), _core.load_bound(native))
    rows, value, _ = _core.anneal(
        native,
        to_rows(floor),
        seed=seed,
        iterations=200_000,
        target=int(bound / (1 - gap)),
        seconds=time_limit_s,
    )
    del value
    return LatencyResult(
        schedule=evaluate(problem, to_stages(rows)), bound=bound, method="local search"
    )
