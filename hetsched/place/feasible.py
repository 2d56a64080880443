"""Why a problem has no placement, in words."""

from hetsched.errors import InfeasibleError
from hetsched.place.evaluate import power_uw
from hetsched.place.problem import Problem
from hetsched.quantity import format_bytes


def diagnose(problem: Problem) -> None:
    """Refuse a problem that provably has no placement.

    Sees groups that no unit runs, pins included, units that may run no stage, and groups whose
    weights fit no memory, one by one and together. What it accepts can still be infeasible by the
    combination of memory and caps: only a solver can tell.

    Raises:
        InfeasibleError: naming the group and what each unit has against it.
    """
    for group in range(len(problem.groups)):
        against = [_objection(problem, group, unit) for unit in range(len(problem.units))]
        if all(objection is not None for objection in against):
            reasons = "; ".join(
                f"{name}: {objection}"
                for name, objection in zip(problem.units, against, strict=True)
            )
            raise InfeasibleError(
                f"infeasible: no unit can run {problem.groups[group]!r} ({reasons})"
            )
    _check_total_memory(problem)


def _objection(problem: Problem, group: int, unit: int) -> str | None:
    """What keeps a group off a unit; None if nothing by itself does."""
    if problem.cost_ns[group][unit] is None:
        return problem.refusals.get((group, unit), "no cost is known")
    if problem.max_stages[unit] == 0:
        return "may run no subgraph (max_subgraphs is 0)"
    limit = problem.memory_bytes[unit]
    needed = problem.weights_bytes[group][unit]
    if limit is not None and needed > limit:
        return f"its weights of {format_bytes(needed)} don't fit into {format_bytes(limit)}"
    return None


def _check_total_memory(problem: Problem) -> None:
    """All weights together, each where it is smallest, must fit into all memories together."""
    limits = [limit for limit in problem.memory_bytes if limit is not None]
    if len(limits) < len(problem.units):
        return
    needed = sum(
        min(row[unit] for unit in problem.allowed(group))
        for group, row in enumerate(problem.weights_bytes)
    )
    if needed > sum(limits):
        each = ", ".join(
            f"{name} {format_bytes(limit)}"
            for name, limit in zip(problem.units, limits, strict=True)
        )
        raise InfeasibleError(
            f"infeasible: the weights take at least {format_bytes(needed)}, more than the units' "
            f"memory together ({each})"
        )


def infeasible_by_limits(problem: Problem) -> InfeasibleError:
    """The error for a problem that a solver proved infeasible though each group fits somewhere."""
    limited = [
        f"{name} takes {limit} subgraphs"
        for name, limit in zip(problem.units, problem.max_stages, strict=True)
        if limit is not None
    ] + [
        f"{name} holds {format_bytes(limit)} of weights"
        for name, limit in zip(problem.units, problem.memory_bytes, strict=True)
        if limit is not None
    ]
    return InfeasibleError(
        f"infeasible: no placement keeps all limits together ({'; '.join(limited)})"
    )


def usable_power_uw(problem: Problem) -> dict[int, int]:
    """Power in uW of each unit that could run something.

    Raises:
        PlacementError: naming a unit that could be used and whose power isn't known.
    """
    return {
        unit: power_uw(problem, unit)
        for unit in range(len(problem.units))
        if problem.max_stages[unit] != 0 and any(row[unit] is not None for row in problem.cost_ns)
    }
