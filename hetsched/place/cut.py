"""Cutting long stages into consecutive ones on the same unit, for others to get in between."""

from itertools import accumulate

import numpy as np

from hetsched.errors import PlacementError
from hetsched.place.evaluate import evaluate
from hetsched.place.placement import Schedule, Stage
from hetsched.place.problem import Problem
from hetsched.quantity import format_ns


def cut_long_stages(
    problem: Problem, schedule: Schedule, max_stage_ns: int
) -> tuple[Schedule, list[int]]:
    """Cut every stage that takes longer than a limit.

    A stage becomes the fewest parts that keep the limit; among those, the ones with the fewest
    bytes of tensors that cross the cuts; among those, the ones whose longest part is shortest. A
    group that alone takes longer becomes a part of its own.

    Args:
        problem: what was placed.
        schedule: a valid schedule.
        max_stage_ns: the longest that a stage may take: dispatch, copies and groups.

    Returns:
        The new schedule, and the groups that take longer on their own, ascending.

    Raises:
        PlacementError: when a unit's cap on stages doesn't allow as many parts.
    """
    stages: list[Stage] = []
    overlong: list[int] = []
    for index, stage in enumerate(schedule.stages):
        if schedule.end_ns[index] - schedule.start_ns[index] <= max_stage_ns:
            stages.append(stage)
            continue
        work = _work_ns(problem, schedule, index)
        budget = max_stage_ns - problem.dispatch_ns[stage.unit]
        overlong += [g for g, ns in zip(stage.groups, work, strict=True) if ns > budget]
        ends = _best_ends(work, _crossing_bytes(problem, stage), budget)
        for begin, end in zip([0, *ends[:-1]], ends, strict=True):
            stages.append(Stage(unit=stage.unit, groups=stage.groups[begin:end]))
    _check_caps(problem, stages, max_stage_ns)
    return evaluate(problem, stages), sorted(overlong)


def _work_ns(problem: Problem, schedule: Schedule, index: int) -> list[int]:
    """Per group of a stage its cost and the copies of what it is the first to read."""
    stage = schedule.stages[index]
    copies = {c.edge: c.duration_ns for c in schedule.copies if c.stage == index}
    work: list[int] = []
    for group in stage.groups:
        bringing = sum(copies.pop(edge, 0) for edge in problem.reads[group])
        work.append((problem.cost_ns[group][stage.unit] or 0) + bringing)
    return work


def _crossing_bytes(problem: Problem, stage: Stage) -> list[int]:
    """Per position in a stage the bytes made before it and read at it or after; 0 at both ends."""
    at = {group: position for position, group in enumerate(stage.groups)}
    change = [0] * (len(stage.groups) + 1)
    for edge in problem.edges:
        made = None if edge.producer is None else at.get(edge.producer)
        readers = [at[group] for group in edge.consumers if group in at]
        if made is not None and readers:
            change[made + 1] += edge.size_bytes
            change[max(readers) + 1] -= edge.size_bytes
    return list(accumulate(change))


def _best_ends(work: list[int], crossing: list[int], budget: int) -> list[int]:
    """End positions of the parts: fewest parts, then fewest bytes cut, then shortest longest part.

    Args:
        work: time per group, in order.
        crossing: bytes cut at each position, one more than groups.
        budget: time that a part of several groups may take.
    """
    total = np.concatenate([[0], np.cumsum(np.array(work, dtype=np.int64))])
    count = len(work)
    parts = np.zeros(count + 1, dtype=np.int64)
    cut = np.zeros(count + 1, dtype=np.int64)
    longest = np.zeros(count + 1, dtype=np.int64)
    begin_of = np.zeros(count + 1, dtype=np.int64)
    for end in range(1, count + 1):
        first = min(int(np.searchsorted(total, total[end] - budget)), end - 1)
        begins = np.arange(first, end)
        span = np.maximum(longest[begins], total[end] - total[begins])
        best = np.lexsort((span, cut[begins], parts[begins]))[0]
        begin = int(begins[best])
        parts[end] = parts[begin] + 1
        cut[end] = cut[begin] + crossing[end]
        longest[end] = span[best]
        begin_of[end] = begin
    ends = [count]
    while begin_of[ends[-1]] > 0:
        ends.append(int(begin_of[ends[-1]]))
    return ends[::-1]


def _check_caps(problem: Problem, stages: list[Stage], max_stage_ns: int) -> None:
    """Refuse more parts than a unit may have stages."""
    for unit, limit in enumerate(problem.max_stages):
        count = sum(stage.unit == unit for stage in stages)
        if limit is not None and count > limit:
            raise PlacementError(
                f"stages of at most {format_ns(max_stage_ns)} need {count} subgraphs on "
                f"{problem.units[unit]!r}, which takes {limit}: allow longer stages or pin ops "
                "elsewhere"
            )
