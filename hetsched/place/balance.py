"""Throughput by labels: rounds of the native search, each with the last one's value to beat."""

from hetsched import _core
from hetsched.place.evaluate import score
from hetsched.place.limits import Limits
from hetsched.place.native import native_problem
from hetsched.place.placement import Schedule
from hetsched.place.problem import THROUGHPUT, Problem
from hetsched.place.stages import best_stages

_STATES_PER_SECOND = 4_000_000
_LABELS_PER_SECOND = 5_000_000
"""States and labels that the search extends per second: counted from single runs on a busy 2-core
x86 machine, and only there to turn a time limit into an amount of work."""

_ROUNDS = ((0.02, 0.02, 200), (0.05, 0.1, 400))
_LAST_ROUND = (0.15, 0.4, 1000)
"""Per round: the parts of the time limit for states and for labels, and the labels' grain."""

_MOST_WAYS = 2**24
"""Decisions that a round may remember, at 8 bytes each."""


def balance_units(
    problem: Problem, floor: Schedule, limits: Limits, *, last: bool = False
) -> tuple[int, Schedule]:
    """Bound on the busiest unit's time, and the best schedule found.

    Args:
        problem: what is placed.
        floor: a valid schedule that the answer is no worse than.
        limits: when to stop.
        last: one long round for the bound instead of short ones for schedules.
    """
    native = native_problem(problem)
    best = floor
    bound = _core.load_bound(native)
    for states, labels, grain in (_LAST_ROUND,) if last else _ROUNDS:
        value = score(problem, best, THROUGHPUT)
        if value - bound <= limits.gap * value or value == 0:
            break
        tighter, ends = _core.balance(
            native,
            states=_amount(problem, states * limits.limit_s * _STATES_PER_SECOND),
            labels=_amount(problem, labels * limits.limit_s * _LABELS_PER_SECOND),
            grain=grain,
            upper=value,
            seconds=limits.left_s / 2,
        )
        bound = max(bound, tighter)
        found = [best_stages(problem, unit_of, THROUGHPUT) for unit_of in ends]
        best = min(
            [best, *(each for each in found if each is not None)],
            key=lambda each: score(problem, each, THROUGHPUT),
        )
    return bound, best


def _amount(problem: Problem, work: float) -> int:
    """What may be kept per group, so that extending all of it is that much work."""
    groups = len(problem.groups)
    return max(1, min(_MOST_WAYS // groups, int(work / groups / len(problem.units))))
