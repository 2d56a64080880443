"""Throughput: the busiest unit's time per request, in ns."""

from hetsched.place.cpsat.search import Found, Stop, search
from hetsched.place.cpsat.variables import build
from hetsched.place.evaluate import score
from hetsched.place.limits import Limits
from hetsched.place.placement import Schedule
from hetsched.place.problem import THROUGHPUT, Problem

_NS_MAX = 2**50


def solve_throughput(
    problem: Problem,
    floor: Schedule | None,
    limits: Limits,
    bound: int = 0,
    stop: Stop | None = None,
) -> Found:
    """The schedule whose busiest unit is least busy, with a bound.

    Args:
        problem: what is placed.
        floor: a valid schedule that the answer is no worse than, None where there is none.
        limits: when to stop.
        bound: what no schedule is known to get under.
        stop: stops it before.
    """
    limit = _NS_MAX if floor is None else score(problem, floor, THROUGHPUT)
    most = [min(len(problem.groups), limit // max(1, ns)) for ns in problem.dispatch_ns]
    made = build(problem, most, limits)
    if made is None:
        return Found(schedule=floor, bound=bound)
    busiest = made.model.new_int_var(bound, limit, "busiest")
    for unit in range(len(problem.units)):
        made.model.add(busiest >= made.load(unit))
    made.model.minimize(busiest)
    return search(made, THROUGHPUT, floor, bound, limits, stop)
