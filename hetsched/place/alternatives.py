"""Which other units could run a stage whole, and what it would cost there."""

from hetsched.place.placement import Schedule
from hetsched.place.problem import Problem


def alternatives(problem: Problem, schedule: Schedule) -> list[list[tuple[int, int]]]:
    """Per stage the other units able to run all its groups, cheapest first.

    Returns:
        Per stage (unit, duration in ns): its dispatch, its groups' costs, and copies of the
        inputs that live elsewhere in this schedule and that no earlier stage brought there.
    """
    unit_of = [0] * len(problem.groups)
    for stage in schedule.stages:
        for group in stage.groups:
            unit_of[group] = stage.unit
    payer = {(copy.edge, copy.target): copy.stage for copy in schedule.copies}
    found: list[list[tuple[int, int]]] = []
    for index, stage in enumerate(schedule.stages):
        members = set(stage.groups)
        external = {
            edge
            for group in stage.groups
            for edge in problem.reads[group]
            if problem.edges[edge].producer not in members
        }
        rows: list[tuple[int, int]] = []
        for unit in range(len(problem.units)):
            costs = [problem.cost_ns[group][unit] for group in stage.groups]
            known = [cost for cost in costs if cost is not None]
            if unit == stage.unit or len(known) < len(costs):
                continue
            copies = sum(
                problem.edges[edge].transfer_ns[problem.source(edge, unit_of)][unit]
                for edge in external
                if payer.get((edge, unit), index) >= index
            )
            rows.append((unit, problem.dispatch_ns[unit] + sum(known) + copies))
        found.append(sorted(rows, key=lambda row: (row[1], row[0])))
    return found
