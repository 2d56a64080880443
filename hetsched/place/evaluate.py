"""What stages cost when they run: their times, their copies, and the value of each objective.

This is the forward direction of the semantics in `hetsched.place.problem`; `validate` checks the
same semantics from the result's side and shares no code with this file.
"""

from collections.abc import Sequence

from hetsched.errors import PlacementError
from hetsched.place.placement import Copy, Schedule, Stage
from hetsched.place.problem import ENERGY, LATENCY, THROUGHPUT, Problem

_FJ_PER_UJ = 10**9


def evaluate(problem: Problem, stages: Sequence[Stage]) -> Schedule:
    """Run stages in the given order, each as early as its inputs and its unit allow.

    Args:
        problem: what is placed.
        stages: a topological order of the stages; on each unit the order in which it runs them.

    Returns:
        The schedule, `stages[i]` at index i.

    Raises:
        PlacementError: when a group is in no stage or in two, when its unit can't run it, or when
            a stage reads what a later one makes.
    """
    stage_of = _stage_of(problem, stages)
    free = [0] * len(problem.units)
    brought: set[tuple[int, int]] = set()
    start_ns: list[int] = []
    end_ns: list[int] = []
    copies: list[Copy] = []
    for index, stage in enumerate(stages):
        start = free[stage.unit]
        duration = problem.dispatch_ns[stage.unit] + _work_ns(problem, stage)
        for edge in _external_reads(problem, stage, stage_of, index):
            producer = problem.edges[edge].producer
            source = problem.home
            if producer is not None:
                if stage_of[producer] > index:
                    raise PlacementError(
                        f"order: stage {index} on {problem.units[stage.unit]!r} reads "
                        f"{problem.edges[edge].name!r}, which the later stage "
                        f"{stage_of[producer]} makes"
                    )
                source = stages[stage_of[producer]].unit
                start = max(start, end_ns[stage_of[producer]])
            if source == stage.unit or (edge, stage.unit) in brought:
                continue
            brought.add((edge, stage.unit))
            took = problem.edges[edge].transfer_ns[source][stage.unit]
            duration += took
            copies.append(
                Copy(edge=edge, source=source, target=stage.unit, stage=index, duration_ns=took)
            )
        start_ns.append(start)
        end_ns.append(start + duration)
        free[stage.unit] = start + duration
    return Schedule(
        stages=tuple(stages), start_ns=tuple(start_ns), end_ns=tuple(end_ns), copies=tuple(copies)
    )


def _stage_of(problem: Problem, stages: Sequence[Stage]) -> list[int]:
    """Stage index per group."""
    found = [-1] * len(problem.groups)
    for index, stage in enumerate(stages):
        for group in stage.groups:
            if found[group] != -1:
                raise PlacementError(
                    f"coverage: group {problem.groups[group]!r} is in stages {found[group]} "
                    f"and {index}"
                )
            found[group] = index
    if -1 in found:
        raise PlacementError(f"coverage: group {problem.groups[found.index(-1)]!r} is in no stage")
    return found


def _work_ns(problem: Problem, stage: Stage) -> int:
    """Costs of the stage's groups on its unit."""
    total = 0
    for group in stage.groups:
        cost = problem.cost_ns[group][stage.unit]
        if cost is None:
            raise PlacementError(
                f"support: unit {problem.units[stage.unit]!r} can't run group "
                f"{problem.groups[group]!r}"
            )
        total += cost
    return total


def _external_reads(
    problem: Problem, stage: Stage, stage_of: Sequence[int], index: int
) -> list[int]:
    """Edges that the stage reads from outside, ascending."""
    found: set[int] = set()
    for group in stage.groups:
        for edge in problem.reads[group]:
            producer = problem.edges[edge].producer
            if producer is None or stage_of[producer] != index:
                found.add(edge)
    return sorted(found)


def busy_ns(problem: Problem, schedule: Schedule) -> list[int]:
    """Time per unit that one request keeps it busy."""
    busy = [0] * len(problem.units)
    for stage, start, end in zip(schedule.stages, schedule.start_ns, schedule.end_ns, strict=True):
        busy[stage.unit] += end - start
    return busy


def power_uw(problem: Problem, unit: int) -> int:
    """Power of a unit while it runs a stage, in microwatts.

    Raises:
        PlacementError: naming the unit whose power isn't known.
    """
    power = problem.power_mw[unit]
    if power is None:
        raise PlacementError(
            f"energy: the power of unit {problem.units[unit]!r} isn't known (for host: "
            "this machine reports none); give its unit a `power` in the "
            "profile, pin the model's ops to other units, or choose another objective"
        )
    return round(power * 1000)


def to_uj(energy_fj: int) -> int:
    """Femtojoules (uW x ns) to the nearest microjoule, halves up: bounds stay bounds."""
    return (2 * energy_fj + _FJ_PER_UJ) // (2 * _FJ_PER_UJ)


def score(problem: Problem, schedule: Schedule, objective: str) -> int:
    """The objective at its finest grain: ns, but fJ (uW x ns) for energy.

    Raises:
        PlacementError: for energy when a used unit's power isn't known.
    """
    if objective == LATENCY:
        return max(schedule.end_ns, default=0)
    busy = busy_ns(problem, schedule)
    if objective == THROUGHPUT:
        return max(busy)
    if objective == ENERGY:
        return sum(power_uw(problem, unit) * time for unit, time in enumerate(busy) if time)
    raise PlacementError(f"unknown objective {objective!r}: latency, throughput or energy")


def value(problem: Problem, schedule: Schedule, objective: str) -> int:
    """The objective as a placement reports it: ns, or uJ for energy."""
    found = score(problem, schedule, objective)
    return to_uj(found) if objective == ENERGY else found


def within_limits(problem: Problem, stages: Sequence[Stage]) -> bool:
    """Whether stages keep every unit's cap on stages and its memory."""
    count = [0] * len(problem.units)
    weights = [0] * len(problem.units)
    for stage in stages:
        count[stage.unit] += 1
        weights[stage.unit] += sum(
            problem.weights_bytes[group][stage.unit] for group in stage.groups
        )
    return all(
        limit is None or used <= limit
        for used, limit in zip(
            (*count, *weights), (*problem.max_stages, *problem.memory_bytes), strict=True
        )
    )
