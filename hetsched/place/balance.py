"""Throughput by labels: rounds of the native search, each with the last one's value to beat."""

from collections.abc import Sequence

from hetsched import _core
from hetsched.place.evaluate import evaluate, score
from hetsched.place.limits import Limits
from hetsched.place.native import native_problem, to_rows, to_stages
from hetsched.place.placement import Schedule
from hetsched.place.problem import THROUGHPUT, Problem
from hetsched.place.stages import best_stages

_STATES_PER_SECOND = 8_000_000
_LABELS_PER_SECOND = 4_000_000
_GROUPS_PER_SECOND = 6_000_000
"""States and labels that the search extends per second, and groups that annealing evaluates:
assumptions that turn a time limit into an amount of work, which normally ends a search before the
clock does."""

_ROUNDS = (
    (0.02, 0.02, 200, False),
    (0.05, 0.05, 400, True),
    (0.1, 0.1, 1000, False),
    (0.1, 0.2, 1000, True),
    (0.3, 0.4, 1000, False),
)
"""Per round: the parts of the time limit for states and for labels, the labels' grain, and whether
the graph of states is kept whole by telling fewer tensors apart."""

_POLISHED = 3
_POLISH_SHARE = 0.01
_POLISH_HOT = 0.003
"""How many schedules of a round are annealed, with which part of the time limit each, how hot: just
enough to move groups at the ends of stages, which labels see without all their dispatches."""

_MOST_WAYS = 2**24
"""Decisions that a round may remember, at 8 bytes each."""


def balance_units(problem: Problem, floor: Schedule, limits: Limits) -> tuple[int, Schedule]:
    """Bound on the busiest unit's time, and the best schedule found.

    Args:
        problem: what is placed.
        floor: a valid schedule that the answer is no worse than.
        limits: when to stop.
    """
    native = native_problem(problem)
    best = floor
    bound = _core.load_bound(native)
    for states, labels, grain, whole in _ROUNDS:
        value = score(problem, best, THROUGHPUT)
        if value - bound <= limits.gap * value or limits.left_s <= 0:
            break
        tighter, ends = _core.balance(
            native,
            states=_amount(problem, states * limits.limit_s * _STATES_PER_SECOND),
            labels=_amount(problem, labels * limits.limit_s * _LABELS_PER_SECOND),
            grain=grain,
            whole=whole,
            upper=value,
            seconds=limits.left_s,
        )
        if tighter == 0:
            break
        bound = max(bound, tighter)
        staged = [best_stages(problem, unit_of, THROUGHPUT) for unit_of in ends]
        found = [each for each in staged if each is not None]
        best = _least(problem, [best, *found, *_polished(problem, native, found or [best], limits)])
    return bound, best


def _least(problem: Problem, schedules: Sequence[Schedule]) -> Schedule:
    """The first of the best schedules."""
    return min(schedules, key=lambda each: score(problem, each, THROUGHPUT))


def _polished(
    problem: Problem, native: _core.Problem, found: Sequence[Schedule], limits: Limits
) -> list[Schedule]:
    """The best of what was found, annealed."""
    ranked = sorted(found, key=lambda each: score(problem, each, THROUGHPUT))
    rows = [
        _core.anneal_load(
            native,
            to_rows(each),
            price=[],
            seed=limits.seed * _POLISHED + index,
            iterations=int(
                limits.limit_s * _POLISH_SHARE * _GROUPS_PER_SECOND / len(problem.groups)
            ),
            hot=_POLISH_HOT,
            seconds=limits.left_s / 2,
        )
        for index, each in enumerate(ranked[:_POLISHED])
    ]
    return [evaluate(problem, to_stages(each)) for each in rows]


def _amount(problem: Problem, work: float) -> int:
    """What may be kept per group, so that extending all of it is that much work."""
    groups = len(problem.groups)
    return max(1, min(_MOST_WAYS // groups, int(work / groups / len(problem.units))))
