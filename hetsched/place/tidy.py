"""Fewer stages at no cost: of equally good schedules the one that is easier to read and to run."""

from collections.abc import Iterator, Sequence

from hetsched import _core
from hetsched.errors import PlacementError
from hetsched.place.evaluate import evaluate, score, within_limits
from hetsched.place.limits import Limits
from hetsched.place.native import native_problem
from hetsched.place.placement import Schedule, Stage
from hetsched.place.problem import LATENCY, Problem
from hetsched.place.stages import ordered

_GROUPS_PER_SECOND = 40_000
"""Groups evaluated per second of the time limit: normally done in a fifth of it at most."""


def tidied(problem: Problem, schedule: Schedule, objective: str, limits: Limits) -> Schedule:
    """Dissolve stages into others, one at a time, wherever the objective gets no worse.

    A stage's groups go to the unit's stage before or after it, or to a stage that makes or reads
    one of their tensors. Deterministic, unless the clock stops it.

    Args:
        problem: what is placed.
        schedule: a valid schedule.
        objective: what mustn't get worse.
        limits: when to stop.

    Returns:
        A valid schedule with no more stages, whose objective is no worse.
    """
    tries = int(limits.limit_s * _GROUPS_PER_SECOND) // len(problem.groups)
    native = native_problem(problem) if tries else None
    stages, best = list(schedule.stages), score(problem, schedule, objective)
    index = unchanged = 0
    while unchanged < len(stages):
        for other in _neighbours(problem, stages, index):
            if tries <= 0 or native is None or limits.left_s <= 0:
                return evaluate(problem, stages)
            tries -= 1
            joined = _joined(problem, stages, index, other)
            reached = best + 1 if joined is None else _score(problem, native, joined, objective)
            if joined is not None and reached <= best:
                stages, best, unchanged = joined, reached, -1
                break
        unchanged += 1
        index = (index + 1) % len(stages)
    return evaluate(problem, stages)


def _score(problem: Problem, native: _core.Problem, stages: Sequence[Stage], objective: str) -> int:
    if objective == LATENCY:
        return _core.timing(native, [(stage.unit, stage.groups) for stage in stages])[2]
    return score(problem, evaluate(problem, stages), objective)


def _neighbours(problem: Problem, stages: Sequence[Stage], index: int) -> Iterator[int]:
    """Stages that could take a stage's groups: its unit's next and last, then those tied to it."""
    unit, groups = stages[index].unit, stages[index].groups
    same = [i for i, stage in enumerate(stages) if stage.unit == unit]
    at = same.index(index)
    near = [*same[at + 1 : at + 2], *same[max(0, at - 1) : at]]
    tied = {g for group in groups for g in problem.predecessors[group]}
    tied |= {g for group in groups for g in problem.successors[group]}
    near += [i for i, stage in enumerate(stages) if not tied.isdisjoint(stage.groups)]
    seen = {index}
    for other in near:
        runs = all(problem.cost_ns[group][stages[other].unit] is not None for group in groups)
        if other not in seen and runs:
            seen.add(other)
            yield other


def _joined(
    problem: Problem, stages: Sequence[Stage], index: int, other: int
) -> list[Stage] | None:
    """The stages with one dissolved into another; None where that isn't valid."""
    groups = tuple(sorted((*stages[index].groups, *stages[other].groups)))
    taken = Stage(unit=stages[other].unit, groups=groups)
    kept = [taken if i == other else stage for i, stage in enumerate(stages) if i != index]
    if not within_limits(problem, kept):
        return None
    try:
        return ordered(problem, kept)
    except PlacementError:
        return None
