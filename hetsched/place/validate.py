"""Checks a schedule against its problem's rules: no solver, no code shared with any placer.

One rule, one function; each raises `PlacementError` with the rule's name first, then the stage, the
group or tensor, and the unit that break it.
"""

from collections.abc import Iterator
from fractions import Fraction
from graphlib import CycleError, TopologicalSorter
from typing import NoReturn

from hetsched.errors import PlacementError
from hetsched.place.placement import Schedule
from hetsched.place.problem import Problem


def validate(
    problem: Problem,
    schedule: Schedule,
    *,
    objective: str | None = None,
    value: int | None = None,
) -> None:
    """Accept a schedule that keeps every rule of the problem.

    Args:
        problem: what was placed.
        schedule: the stages, their times and copies.
        objective: with `value`, also recompute the objective.
        value: what the placer says the objective is.

    Raises:
        PlacementError: naming the first rule broken: shape, coverage, support, convexity, order,
            copies, duration, overlap, start, max-stages, memory or objective.
    """
    _check_shape(problem, schedule)
    home_of = _check_coverage(problem, schedule)
    _check_support(problem, schedule)
    _check_convexity(problem, schedule, home_of)
    _check_order(problem, schedule, home_of)
    _check_copies(problem, schedule, home_of)
    _check_durations(problem, schedule)
    _check_times(problem, schedule, home_of)
    _check_max_stages(problem, schedule)
    _check_memory(problem, schedule)
    if objective is not None and value != objective_value(problem, schedule, objective):
        right = objective_value(problem, schedule, objective)
        _broken("objective", f"{objective} is {right}, not {value}")


def objective_value(problem: Problem, schedule: Schedule, objective: str) -> int:
    """The objective of a schedule, from its stages' times: ns; uJ (nearest, halves up) for energy.

    Raises:
        PlacementError: when the objective is unknown, or a used unit's power is.
    """
    spans = [
        (stage.unit, schedule.end_ns[index] - schedule.start_ns[index])
        for index, stage in enumerate(schedule.stages)
    ]
    if objective == "latency":
        return max([0, *schedule.end_ns])
    if objective == "throughput":
        units = range(len(problem.units))
        return max(sum(span for unit, span in spans if unit == chosen) for chosen in units)
    if objective != "energy":
        _broken("objective", f"{objective!r} is none of latency, throughput and energy")
    joules = Fraction(0)
    for unit, span in spans:
        milliwatts = problem.power_mw[unit]
        if milliwatts is None:
            _broken("objective", f"the power of unit {problem.units[unit]!r} isn't known")
        joules += Fraction(round(milliwatts * 1000), 10**6) * Fraction(span, 10**9)
    return int(joules * 10**6 + Fraction(1, 2))


def _broken(rule: str, story: str) -> NoReturn:
    raise PlacementError(f"{rule}: {story}")


def _name(problem: Problem, schedule: Schedule, index: int) -> str:
    """How messages call a stage."""
    return f"stage {index} on {problem.units[schedule.stages[index].unit]!r}"


def _check_shape(problem: Problem, schedule: Schedule) -> None:
    """Every stage has a unit, groups in ascending order, a start and an end."""
    count = len(schedule.stages)
    if len(schedule.start_ns) != count or len(schedule.end_ns) != count:
        _broken(
            "shape", f"{count} stages, {len(schedule.start_ns)} starts, {len(schedule.end_ns)} ends"
        )
    for index, stage in enumerate(schedule.stages):
        if not 0 <= stage.unit < len(problem.units):
            _broken("shape", f"stage {index} is on unit {stage.unit} of {len(problem.units)}")
        if not stage.groups:
            _broken("shape", f"{_name(problem, schedule, index)} is empty")
        if any(not 0 <= group < len(problem.groups) for group in stage.groups):
            _broken("shape", f"stage {index} has a group that isn't one of {len(problem.groups)}")
        if list(stage.groups) != sorted(stage.groups):
            _broken("shape", f"{_name(problem, schedule, index)}: groups aren't ascending")


def _check_coverage(problem: Problem, schedule: Schedule) -> dict[int, int]:
    """Every group is in exactly one stage. Returns that stage by group."""
    where: dict[int, int] = {}
    for index, stage in enumerate(schedule.stages):
        for group in stage.groups:
            if group in where:
                _broken(
                    "coverage",
                    f"group {problem.groups[group]!r} is in stage {where[group]} and in "
                    f"{_name(problem, schedule, index)}",
                )
            where[group] = index
    for group, name in enumerate(problem.groups):
        if group not in where:
            _broken("coverage", f"group {name!r} is in no stage")
    return where


def _check_support(problem: Problem, schedule: Schedule) -> None:
    """A stage's unit can run each of its groups."""
    for index, stage in enumerate(schedule.stages):
        for group in stage.groups:
            if problem.cost_ns[group][stage.unit] is None:
                why = problem.refusals.get((group, stage.unit), "no cost there")
                _broken(
                    "support",
                    f"{_name(problem, schedule, index)} holds group {problem.groups[group]!r}, "
                    f"which that unit can't run: {why}",
                )


def _dependencies(problem: Problem, where: dict[int, int]) -> Iterator[tuple[int, int, str]]:
    """(making stage, reading stage, tensor) for each tensor between two stages."""
    for edge in problem.edges:
        if edge.producer is None:
            continue
        for consumer in edge.consumers:
            if where[edge.producer] != where[consumer]:
                yield where[edge.producer], where[consumer], edge.name


def _check_convexity(problem: Problem, schedule: Schedule, where: dict[int, int]) -> None:
    """No stage needs, through other stages, what it makes itself: the stages' graph is acyclic."""
    sorter: TopologicalSorter[int] = TopologicalSorter()
    for maker, reader, _ in _dependencies(problem, where):
        sorter.add(reader, maker)
    try:
        sorter.prepare()
    except CycleError as error:
        cycle = sorted(set(error.args[1]))
        names = " and ".join(_name(problem, schedule, index) for index in cycle)
        _broken("convexity", f"{names} wait for each other's results")


def _check_order(problem: Problem, schedule: Schedule, where: dict[int, int]) -> None:
    """The stages are listed in a topological order."""
    for maker, reader, tensor in _dependencies(problem, where):
        if maker > reader:
            _broken(
                "order",
                f"{_name(problem, schedule, reader)} reads {tensor!r} before "
                f"{_name(problem, schedule, maker)} makes it",
            )


def _check_copies(problem: Problem, schedule: Schedule, where: dict[int, int]) -> None:
    """A tensor is copied once to each unit that lacks it, by the first stage there to read it."""
    expected: set[tuple[int, int, int, int, int]] = set()
    for number, edge in enumerate(problem.edges):
        maker = None if edge.producer is None else where[edge.producer]
        source = problem.home if maker is None else schedule.stages[maker].unit
        first: dict[int, int] = {}
        for reader in sorted({where[consumer] for consumer in edge.consumers}):
            first.setdefault(schedule.stages[reader].unit, reader)
        for target, payer in first.items():
            if target != source:
                took = edge.transfer_ns[source][target]
                expected.add((number, source, target, payer, took))
    given = [(c.edge, c.source, c.target, c.stage, c.duration_ns) for c in schedule.copies]
    if len(set(given)) != len(given):
        _broken("copies", "a tensor is copied twice to one unit")
    for edge_index, _, target, payer, took in sorted(expected - set(given)):
        _broken(
            "copies",
            f"{_name(problem, schedule, payer)} must bring {problem.edges[edge_index].name!r} to "
            f"{problem.units[target]!r} in {took} ns",
        )
    for copy in sorted(set(given) - expected):
        _broken("copies", f"a copy that nothing needs: (edge, source, target, stage, ns) = {copy}")
    if [copy.stage for copy in schedule.copies] != sorted(copy.stage for copy in schedule.copies):
        _broken("copies", "copies aren't listed by stage")


def _check_durations(problem: Problem, schedule: Schedule) -> None:
    """A stage takes its dispatch, its copies and its groups' costs, nothing else."""
    copying = [0] * len(schedule.stages)
    for copy in schedule.copies:
        copying[copy.stage] += copy.duration_ns
    for index, stage in enumerate(schedule.stages):
        costs = [problem.cost_ns[group][stage.unit] or 0 for group in stage.groups]
        right = problem.dispatch_ns[stage.unit] + sum(costs) + copying[index]
        took = schedule.end_ns[index] - schedule.start_ns[index]
        if took != right:
            _broken("duration", f"{_name(problem, schedule, index)} takes {right} ns, not {took}")


def _check_times(problem: Problem, schedule: Schedule, where: dict[int, int]) -> None:
    """One stage at a time per unit; each starts once its inputs exist and its unit is free."""
    unit_free: dict[int, int] = {}
    inputs_at = [0] * len(schedule.stages)
    for maker, reader, _ in _dependencies(problem, where):
        inputs_at[reader] = max(inputs_at[reader], schedule.end_ns[maker])
    for index, stage in enumerate(schedule.stages):
        start, free = schedule.start_ns[index], unit_free.get(stage.unit, 0)
        if start < free:
            _broken(
                "overlap",
                f"{_name(problem, schedule, index)} starts at {start} ns while that unit is busy "
                f"until {free} ns",
            )
        if start != max(free, inputs_at[index]):
            _broken(
                "start",
                f"{_name(problem, schedule, index)} starts at {start} ns, but its inputs exist at "
                f"{inputs_at[index]} ns and its unit is free at {free} ns",
            )
        unit_free[stage.unit] = schedule.end_ns[index]


def _check_max_stages(problem: Problem, schedule: Schedule) -> None:
    """A unit with a limit runs at most that many stages."""
    for unit, limit in enumerate(problem.max_stages):
        count = sum(stage.unit == unit for stage in schedule.stages)
        if limit is not None and count > limit:
            _broken("max-stages", f"{count} stages on {problem.units[unit]!r}, which takes {limit}")


def _check_memory(problem: Problem, schedule: Schedule) -> None:
    """The weights placed on a unit fit into its memory."""
    for unit, limit in enumerate(problem.memory_bytes):
        needed = sum(
            problem.weights_bytes[group][unit]
            for stage in schedule.stages
            if stage.unit == unit
            for group in stage.groups
        )
        if limit is not None and needed > limit:
            _broken(
                "memory",
                f"weights of {needed} bytes on {problem.units[unit]!r}, which holds {limit}",
            )
