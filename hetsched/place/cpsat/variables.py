"""The placement decisions as CP-SAT variables: units, copies, stages, and each unit's load.

No time in it: made for objectives that only depend on what each unit does in total. Stages are
counted along paths. `runs[g][u]` counts the stages of unit u that must have begun when group g
runs: it never falls along an edge, and rises by one where a path enters u. Every schedule gives
such counts, so the model is a relaxation and its bound holds. Stages that wait for each other are
the only thing it doesn't see; `order_pair` closes such a hole once it has shown (see `search`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from ortools.sat.python import cp_model

from hetsched.place.limits import Limits
from hetsched.place.placement import Schedule
from hetsched.place.problem import Problem


@dataclass(slots=True, kw_only=True)
class Variables:
    """A CP-SAT model with its variables.

    Attributes:
        problem: what is placed.
        model: the model under construction.
        on: per group and allowed unit, whether it runs there.
        runs: `[group][unit]` stages of the unit begun by then.
        stage_count: per unit.
        copied: (edge, target, sources): the tensor is copied from one of these units, which all
            ask the same price.
        load_ns: per unit the terms of what one request costs it.
        first: pairs of groups of which one was ordered before the other: whether it's the first.
    """

    problem: Problem
    model: cp_model.CpModel
    on: list[dict[int, cp_model.IntVar]]
    runs: list[list[cp_model.IntVar]]
    stage_count: list[cp_model.IntVar]
    copied: dict[tuple[int, int, tuple[int, ...]], cp_model.IntVar] = field(default_factory=dict)
    load_ns: list[list[tuple[int, cp_model.IntVar]]]
    first: dict[tuple[int, int], cp_model.IntVar] = field(default_factory=dict)

    def load(self, unit: int) -> cp_model.LinearExprT:
        """What one request costs a unit, in ns."""
        return cp_model.LinearExpr.weighted_sum(
            [variable for _, variable in self.load_ns[unit]],
            [weight for weight, _ in self.load_ns[unit]],
        )


def build(problem: Problem, most_stages: Sequence[int], limits: Limits) -> Variables | None:
    """All variables and constraints but the objective.

    Args:
        problem: what is placed.
        most_stages: per unit, a number of stages that no schedule worth finding exceeds.
        limits: when to give up.

    Returns:
        None when the time was up before the model was built.
    """
    model = cp_model.CpModel()
    units = range(len(problem.units))
    caps = [
        most if cap is None else min(most, cap)
        for most, cap in zip(most_stages, problem.max_stages, strict=True)
    ]
    made = Variables(
        problem=problem,
        model=model,
        on=[
            {unit: model.new_bool_var(f"on_{group}_{unit}") for unit in problem.allowed(group)}
            for group in range(len(problem.groups))
        ],
        runs=[
            [model.new_int_var(0, caps[unit], f"runs_{group}_{unit}") for unit in units]
            for group in range(len(problem.groups))
        ],
        stage_count=[model.new_int_var(0, caps[unit], f"stages_{unit}") for unit in units],
        load_ns=[[] for _ in units],
    )
    for choices in made.on:
        model.add_exactly_one(choices.values())
    _add_work(made)
    _add_memory(made)
    for edge in range(len(problem.edges)):
        if limits.left_s <= 0:
            return None
        for target in units:
            _add_copy(made, edge, target)
    _add_runs(made)
    return made


def _add_work(made: Variables) -> None:
    """Groups' costs and dispatches are part of their unit's load."""
    for group, choices in enumerate(made.on):
        for unit, variable in choices.items():
            made.load_ns[unit].append((made.problem.cost_ns[group][unit] or 0, variable))
    for unit, count in enumerate(made.stage_count):
        made.load_ns[unit].append((made.problem.dispatch_ns[unit], count))


def _add_memory(made: Variables) -> None:
    """The weights placed on a unit fit into its memory."""
    for unit, limit in enumerate(made.problem.memory_bytes):
        if limit is not None:
            made.model.add(
                sum(
                    made.problem.weights_bytes[group][unit] * choices[unit]
                    for group, choices in enumerate(made.on)
                    if unit in choices
                )
                <= limit
            )


def _add_copy(made: Variables, edge: int, target: int) -> None:
    """A tensor read on a unit was made there or is copied there once, at its maker's price."""
    tensor = made.problem.edges[edge]
    readers = [made.on[group][target] for group in tensor.consumers if target in made.on[group]]
    if not readers:
        return
    here = None if tensor.producer is None else made.on[tensor.producer].get(target)
    if tensor.producer is None and target == made.problem.home:
        return
    ways: list[cp_model.IntVar] = []
    for price, sources in _sources_by_price(made, edge, target).items():
        copy = made.model.new_bool_var(f"copy_{edge}_{target}_{sources[0]}")
        made.copied[edge, target, sources] = copy
        made.load_ns[target].append((price, copy))
        ways.append(copy)
        if tensor.producer is not None:
            made.model.add(copy <= sum(made.on[tensor.producer][unit] for unit in sources))
    for reader in readers:
        made.model.add(sum(ways) + (0 if here is None else here) >= reader)


def _sources_by_price(made: Variables, edge: int, target: int) -> dict[int, tuple[int, ...]]:
    """Units that a tensor may have to come from, by the cost of the copy."""
    tensor = made.problem.edges[edge]
    makers = [made.problem.home] if tensor.producer is None else list(made.on[tensor.producer])
    found: dict[int, tuple[int, ...]] = {}
    for unit in makers:
        if unit != target:
            price = tensor.transfer_ns[unit][target]
            found[price] = (*found.get(price, ()), unit)
    return found


def _add_runs(made: Variables) -> None:
    """Count each unit's stages along every path; shortcuts along an edge follow from its detour."""
    edges = _direct_edges(made.problem)
    reached = {after for _, after in edges}
    for group, choices in enumerate(made.on):
        if group not in reached:
            for unit, variable in choices.items():
                made.model.add(made.runs[group][unit] >= variable)
        for unit, count in enumerate(made.stage_count):
            made.model.add(count >= made.runs[group][unit])
    for before, after in edges:
        for unit in range(len(made.problem.units)):
            _order(made, before, after, unit)


def _order(made: Variables, before: int, after: int, unit: int) -> list[cp_model.Constraint]:
    """`before` runs in an earlier stage than `after`, or in the same one."""
    earlier, later = made.runs[before][unit], made.runs[after][unit]
    added = [made.model.add(later >= earlier)]
    if unit in made.on[after]:
        entered = made.on[after][unit] - made.on[before].get(unit, 0)
        added.append(made.model.add(later >= earlier + entered))
    return added


def order_pair(made: Variables, one: int, other: int) -> None:
    """Decide which of two groups is in the earlier stage (or both in the same)."""
    first = made.model.new_bool_var(f"first_{one}_{other}")
    made.first[one, other] = first
    for unit in range(len(made.problem.units)):
        for constraint in _order(made, one, other, unit):
            constraint.only_enforce_if(first)
        for constraint in _order(made, other, one, unit):
            constraint.only_enforce_if(~first)


def _direct_edges(problem: Problem) -> list[tuple[int, int]]:
    """Edges between groups without those that a longer path implies."""
    behind = [0] * len(problem.groups)
    found: list[tuple[int, int]] = []
    for group, before in enumerate(problem.predecessors):
        seen = 0
        for producer in reversed(before):
            if not seen >> producer & 1:
                found.append((producer, group))
            seen |= behind[producer] | 1 << producer
        behind[group] = seen
    return found


def hint(made: Variables, schedule: Schedule) -> None:
    """Tell the solver of a schedule, with every variable's value in it."""
    made.model.clear_hints()
    stage_of = {group: i for i, stage in enumerate(schedule.stages) for group in stage.groups}
    begun: list[list[int]] = []
    count = [0] * len(made.problem.units)
    for stage in schedule.stages:
        count[stage.unit] += 1
        begun.append(list(count))
    for group, choices in enumerate(made.on):
        for unit, variable in choices.items():
            made.model.add_hint(variable, schedule.stages[stage_of[group]].unit == unit)
        for unit, variable in enumerate(made.runs[group]):
            made.model.add_hint(variable, begun[stage_of[group]][unit])
    for unit, variable in enumerate(made.stage_count):
        made.model.add_hint(variable, count[unit])
    copies = {(copy.edge, copy.target): copy.source for copy in schedule.copies}
    for (edge, target, sources), variable in made.copied.items():
        made.model.add_hint(variable, copies.get((edge, target)) in sources)
    for (one, other), variable in made.first.items():
        made.model.add_hint(variable, stage_of[one] <= stage_of[other])
