"""From units per group to stages: which neighbours on one unit share a dispatch.

Merging saves dispatches but delays what the merged stage makes until its end. `drained` merges as
much as it can; `eager` lets every result out that another unit waits for; `best_stages` evaluates
both kinds, improves the better one by single merges, and is deterministic.

Any result is a topological order of convex stages.
"""

import heapq
from collections.abc import Iterable, Sequence

from hetsched.errors import PlacementError
from hetsched.place.evaluate import evaluate, score, within_limits
from hetsched.place.placement import Schedule, Stage
from hetsched.place.problem import LATENCY, Problem

_MERGE_WORK = 100_000
"""Single merges are tried while stages x groups stays below this."""


def drained(problem: Problem, unit_of: Sequence[int], first: int | None = None) -> list[Stage]:
    """Run everything that is ready on one unit as one stage, then go on to another unit.

    Args:
        problem: what is placed.
        unit_of: unit per group.
        first: the unit that starts if anything is ready there; the first ready group's otherwise.
    """
    missing = [len(before) for before in problem.predecessors]
    ready: list[list[int]] = [[] for _ in problem.units]
    for group, count in enumerate(missing):
        if count == 0:
            heapq.heappush(ready[unit_of[group]], group)
    stages: list[Stage] = []
    unit = first if first is not None and ready[first] else _next_unit(ready)
    while unit is not None:
        stages.append(Stage(unit=unit, groups=_drain(problem, unit_of, ready, missing, unit)))
        unit = _next_unit(ready)
    return stages


def _next_unit(ready: Sequence[Sequence[int]]) -> int | None:
    """The unit of the first ready group in the graph's order."""
    waiting = [(groups[0], unit) for unit, groups in enumerate(ready) if groups]
    return min(waiting)[1] if waiting else None


def _drain(
    problem: Problem,
    unit_of: Sequence[int],
    ready: Sequence[list[int]],
    missing: list[int],
    unit: int,
) -> tuple[int, ...]:
    """Take all groups that are or become ready on a unit."""
    taken: list[int] = []
    while ready[unit]:
        group = heapq.heappop(ready[unit])
        taken.append(group)
        for after in problem.successors[group]:
            missing[after] -= 1
            if missing[after] == 0:
                heapq.heappush(ready[unit_of[after]], after)
    return tuple(sorted(taken))


def eager(problem: Problem, unit_of: Sequence[int], order: Iterable[int]) -> list[Stage]:
    """Merge neighbours in an order as long as no other unit is kept waiting.

    A stage ends with a group whose result another unit reads, and begins with one that reads
    another unit's result. All stages follow `order`, so no two can wait for each other.

    Args:
        problem: what is placed.
        unit_of: unit per group.
        order: the groups in a topological order.
    """
    stages: list[tuple[int, list[int]]] = []
    open_stage: dict[int, int] = {}
    for group in order:
        unit = unit_of[group]
        if any(unit_of[before] != unit for before in problem.predecessors[group]):
            open_stage.pop(unit, None)
        if unit not in open_stage:
            open_stage[unit] = len(stages)
            stages.append((unit, []))
        stages[open_stage[unit]][1].append(group)
        if any(unit_of[after] != unit for after in problem.successors[group]):
            del open_stage[unit]
    made = [Stage(unit=unit, groups=tuple(sorted(groups))) for unit, groups in stages]
    return ordered(problem, made)


def ordered(problem: Problem, stages: Sequence[Stage]) -> list[Stage]:
    """Stages in a topological order that keeps the given order where it can.

    Raises:
        PlacementError: when stages wait for each other.
    """
    stage_of = {group: index for index, stage in enumerate(stages) for group in stage.groups}
    before: list[set[int]] = [set() for _ in stages]
    after: list[set[int]] = [set() for _ in stages]
    for group, index in stage_of.items():
        for producer in problem.predecessors[group]:
            if stage_of[producer] != index:
                before[index].add(stage_of[producer])
                after[stage_of[producer]].add(index)
    missing = [len(row) for row in before]
    ready = [index for index, count in enumerate(missing) if count == 0]
    found: list[Stage] = []
    while ready:
        index = heapq.heappop(ready)
        found.append(stages[index])
        for reader in after[index]:
            missing[reader] -= 1
            if missing[reader] == 0:
                heapq.heappush(ready, reader)
    if len(found) < len(stages):
        stuck = next(index for index, count in enumerate(missing) if count)
        raise PlacementError(
            f"convexity: stage {stuck} on {problem.units[stages[stuck].unit]!r} and others wait "
            "for each other's results"
        )
    return found


def best_stages(
    problem: Problem,
    unit_of: Sequence[int],
    objective: str = LATENCY,
    order: Iterable[int] | None = None,
) -> Schedule | None:
    """The best staging found for units per group.

    Args:
        problem: what is placed.
        unit_of: unit per group.
        objective: what to minimise.
        order: a topological order of the groups in which to merge; the problem's own by default.

    Returns:
        None when no staging found keeps the units' limits.
    """
    groups = range(len(problem.groups)) if order is None else list(order)
    used = sorted(set(unit_of))
    tries = [drained(problem, unit_of, unit) for unit in used]
    if objective == LATENCY and len(used) > 1:
        tries.append(merge(problem, eager(problem, unit_of, groups), objective))
    fitting = [evaluate(problem, stages) for stages in tries if within_limits(problem, stages)]
    return min(fitting, key=lambda found: score(problem, found, objective), default=None)


def merge(problem: Problem, stages: Sequence[Stage], objective: str = LATENCY) -> list[Stage]:
    """Merge neighbouring stages of a unit, one pair at a time, wherever that costs nothing.

    Large problems are returned as they are, since each try evaluates all stages.
    """
    found = list(stages)
    best = score(problem, evaluate(problem, found), objective)
    index = 0
    while index < len(found) and len(found) * len(problem.groups) <= _MERGE_WORK:
        merged = _merged_with_next(problem, found, index)
        worth = None if merged is None else score(problem, evaluate(problem, merged), objective)
        if merged is not None and worth is not None and worth <= best:
            found, best = merged, worth
            continue
        index += 1
    return found


def _merged_with_next(problem: Problem, stages: list[Stage], index: int) -> list[Stage] | None:
    """Stage `index` merged with its unit's next one; None without one or when that isn't convex."""
    unit = stages[index].unit
    following = next((i for i in range(index + 1, len(stages)) if stages[i].unit == unit), None)
    if following is None:
        return None
    groups = tuple(sorted((*stages[index].groups, *stages[following].groups)))
    merged = [
        *stages[:index],
        Stage(unit=unit, groups=groups),
        *stages[index + 1 : following],
        *stages[following + 1 :],
    ]
    try:
        return ordered(problem, merged)
    except PlacementError:
        return None
