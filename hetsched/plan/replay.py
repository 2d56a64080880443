"""From a plan file back to a schedule of a placement problem: for checking and comparing plans."""

from hetsched.cost.table import CostTable
from hetsched.errors import PlanError
from hetsched.place.evaluate import evaluate
from hetsched.place.placement import Schedule, Stage
from hetsched.place.problem import Problem
from hetsched.plan.model import Plan


def replay(plan: Plan, problem: Problem, costs: CostTable) -> Schedule:
    """The plan's subgraphs as stages of `problem`, run in the plan's order.

    Args:
        plan: what was stored.
        problem: built from the same model and profile.
        costs: whose groups the problem's groups are.

    Raises:
        PlanError: when a subgraph's unit or ops aren't those of the problem's groups.
        PlacementError: when the stages can't run in the plan's order.
    """
    group_of = {op: index for index, group in enumerate(costs.groups) for op in group.ops}
    stages: list[Stage] = []
    for part in plan.subgraphs:
        if part.unit not in problem.units:
            raise PlanError(f"subgraph {part.id} is on unknown unit {part.unit!r}")
        unknown = [op for op in part.ops if op not in group_of]
        if unknown:
            raise PlanError(f"subgraph {part.id} has op {unknown[0]!r}, which the model hasn't")
        groups = sorted({group_of[op] for op in part.ops})
        if sum(len(costs.groups[group].ops) for group in groups) != len(part.ops):
            raise PlanError(f"subgraph {part.id} holds only a part of what runs fused")
        stages.append(Stage(unit=problem.units.index(part.unit), groups=tuple(groups)))
    return evaluate(problem, stages)
