"""HEFT: heterogeneous earliest finish time, the list scheduler that everyone compares with.

Source: H. Topcuoglu, S. Hariri, M.-Y. Wu, "Performance-effective and low-complexity task scheduling
for heterogeneous computing", IEEE Transactions on Parallel and Distributed Systems 13(3), 2002.
"""

from bisect import bisect_left

from hetsched.place.problem import Problem


def heft(problem: Problem) -> tuple[list[int], list[int]] | None:
    """Place each group, most urgent first, where it finishes first, in gaps where it fits.

    HEFT knows neither dispatches nor caps: its groups are staged afterwards.

    Returns:
        Unit per group, and the groups in the order of their starts (a topological order); None when
        some group can't run anywhere.
    """
    if not all(problem.allowed(group) for group in range(len(problem.groups))):
        return None
    rank = _upward_ranks(problem)
    unit_of = [-1] * len(problem.groups)
    start = [0] * len(problem.groups)
    finish = [0] * len(problem.groups)
    busy: list[list[tuple[int, int]]] = [[] for _ in problem.units]
    for group in sorted(range(len(problem.groups)), key=lambda g: (-rank[g], g)):
        finish[group], start[group], unit = min(
            (begin + cost, begin, unit)
            for unit, cost in enumerate(problem.cost_ns[group])
            if cost is not None
            for begin in [
                _fitting_gap(busy[unit], _arrival(problem, group, unit, unit_of, finish), cost)
            ]
        )
        unit_of[group] = unit
        span = (start[group], finish[group])
        busy[unit].insert(bisect_left(busy[unit], span), span)
    order = sorted(range(len(problem.groups)), key=lambda g: (start[g], g))
    return unit_of, order


def _upward_ranks(problem: Problem) -> list[float]:
    """Longest way from each group to the end, at mean costs and mean copies."""
    units = len(problem.units)
    pairs = max(1, units * (units - 1))
    mean_copy = [sum(map(sum, edge.transfer_ns)) / pairs for edge in problem.edges]
    rank = [0.0] * len(problem.groups)
    behind = [0.0] * len(problem.groups)
    for group in reversed(range(len(problem.groups))):
        costs = [cost for cost in problem.cost_ns[group] if cost is not None]
        rank[group] = sum(costs) / len(costs) + behind[group]
        for edge in problem.reads[group]:
            producer = problem.edges[edge].producer
            if producer is not None:
                behind[producer] = max(behind[producer], mean_copy[edge] + rank[group])
    return rank


def _arrival(problem: Problem, group: int, unit: int, unit_of: list[int], finish: list[int]) -> int:
    """When everything that the group reads is on the unit."""
    latest = 0
    for edge in problem.reads[group]:
        producer = problem.edges[edge].producer
        made = 0 if producer is None else finish[producer]
        source = problem.source(edge, unit_of)
        latest = max(latest, made + problem.edges[edge].transfer_ns[source][unit])
    return latest


def _fitting_gap(busy: list[tuple[int, int]], earliest: int, duration: int) -> int:
    """Start of the first gap of a unit, not before `earliest`, that takes `duration`."""
    at = bisect_left(busy, (earliest, earliest))
    begin = max(earliest, busy[at - 1][1]) if at else earliest
    while at < len(busy) and busy[at][0] < begin + duration:
        begin = max(begin, busy[at][1])
        at += 1
    return begin
