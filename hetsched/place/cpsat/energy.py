"""Energy: power x busy time, summed over the units, in fJ (uW x ns) inside."""

from ortools.sat.python import cp_model

from hetsched.place.cpsat.search import Found, Stop, search
from hetsched.place.cpsat.variables import build
from hetsched.place.evaluate import score
from hetsched.place.feasible import usable_power_uw
from hetsched.place.limits import Limits
from hetsched.place.placement import Schedule
from hetsched.place.problem import ENERGY, Problem


def solve_energy(
    problem: Problem,
    floor: Schedule | None,
    limits: Limits,
    bound: int = 0,
    stop: Stop | None = None,
) -> Found:
    """The schedule that takes the least energy, with a bound.

    Args:
        problem: what is placed.
        floor: a valid schedule that the answer is no worse than, None where there is none.
        limits: when to stop.
        bound: what no schedule is known to get under, in fJ.
        stop: stops it before.

    Raises:
        PlacementError: naming a unit that could be used and whose power isn't known.
    """
    power = usable_power_uw(problem)
    limit = None if floor is None else score(problem, floor, ENERGY)
    most = [
        _most_stages(problem, limit, power.get(unit, 0) * problem.dispatch_ns[unit])
        for unit in range(len(problem.units))
    ]
    made = build(problem, most, limits)
    if made is None:
        return Found(schedule=floor, bound=bound)
    total = cp_model.LinearExpr.sum([power[unit] * made.load(unit) for unit in power])
    made.model.add(total >= bound)
    if limit is not None:
        made.model.add(total <= limit)
    made.model.minimize(total)
    return search(made, ENERGY, floor, bound, limits, stop)


def _most_stages(problem: Problem, limit: int | None, price: int) -> int:
    """Stages of a unit that a budget pays for; never more than there are groups."""
    groups = len(problem.groups)
    return groups if limit is None or price == 0 else min(groups, limit // price)
