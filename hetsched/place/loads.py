"""Placing for what the units do in total (throughput, energy): search, bounds, then CP-SAT.

Annealing finds good schedules, prices and sums give bounds; CP-SAT gets the best of both and closes
what is left. Everything but CP-SAT is native and works for any size.
"""

from collections.abc import Sequence
from dataclasses import replace

from hetsched import _core
from hetsched.place.evaluate import evaluate, power_uw, score
from hetsched.place.limits import Limits
from hetsched.place.native import native_problem, to_rows, to_stages
from hetsched.place.placement import Schedule
from hetsched.place.problem import ENERGY, THROUGHPUT, Problem
from hetsched.place.stages import best_stages

_GROUPS_PER_SECOND = 6_000_000
"""Groups that annealing evaluates per second. Measured on a busy 2-core x86 machine: 8 to 11
million."""

_STEPS_PER_SECOND = 400_000_000
"""Steps of `pack_bound` per second. Measured likewise: 0.5 to 1 milliard."""

_SEARCH_SHARE = 0.25
_BOUND_SHARE = 0.15
_STARTS = 3
_WIDTH = 4
_RESOLUTION = 2000
_MOST_ROUNDS = 40
_MOST_WAYS = 2**26
"""Decisions that `pack_bound` may remember per unit, at 2 bytes each."""

_MOST_GROUPS = 2000
"""Above, CP-SAT doesn't get through its presolve in useful time."""


def solve_loads(
    problem: Problem, objective: str, starts: Sequence[Schedule], limits: Limits
) -> tuple[Schedule, int, str]:
    """Minimise throughput's or energy's objective.

    Args:
        problem: what is placed.
        objective: `throughput` or `energy`.
        starts: valid schedules, best first.
        limits: when to stop.

    Returns:
        A schedule no worse than any start, a bound as a score, and the name of the method that
        found the schedule.
    """
    floor = starts[0]
    bound = _first_bound(problem, objective)
    if _closed(problem, objective, floor, bound, limits):
        return floor, bound, "baseline"
    best = _anneal(problem, objective, starts, limits)
    if objective == THROUGHPUT and not _closed(problem, objective, best, bound, limits):
        bound = max(bound, _pack_bound(problem, score(problem, best, objective), limits))
    method = "annealing" if best is not floor else "baseline"
    if len(problem.groups) > _MOST_GROUPS or _closed(problem, objective, best, bound, limits):
        return best, bound, method
    limits = replace(limits, work=limits.work * (1 - _SEARCH_SHARE - _BOUND_SHARE))
    if objective == THROUGHPUT:
        from hetsched.place.cpsat.throughput import solve_throughput

        found = solve_throughput(problem, best, limits, bound)
    else:
        from hetsched.place.cpsat.energy import solve_energy

        found = solve_energy(problem, best, limits, bound)
    return found.schedule or best, found.bound, "cp-sat" if found.schedule != best else method


def _closed(
    problem: Problem, objective: str, schedule: Schedule, bound: int, limits: Limits
) -> bool:
    reached = score(problem, schedule, objective)
    return reached - bound <= limits.gap * reached


def _first_bound(problem: Problem, objective: str) -> int:
    """Every group where it is cheapest, without copies; one dispatch at least."""
    if objective == THROUGHPUT:
        return _core.load_bound(native_problem(problem))
    price = _prices(problem)
    groups = sum(
        min(price[unit] * cost for unit, cost in enumerate(row) if cost is not None)
        for row in problem.cost_ns
    )
    return groups + min(price[u] * problem.dispatch_ns[u] for u in problem.allowed(0))


def _prices(problem: Problem) -> list[int]:
    """Power in uW per unit, 0 where it isn't known: such units can't be used."""
    return [
        0 if power is None else power_uw(problem, unit)
        for unit, power in enumerate(problem.power_mw)
    ]


def _anneal(
    problem: Problem, objective: str, starts: Sequence[Schedule], limits: Limits
) -> Schedule:
    """Anneal from several starts with an amount of work that fits the share of the time limit."""
    native = native_problem(problem)
    work = limits.limit_s * _SEARCH_SHARE * _GROUPS_PER_SECOND
    tries = [evaluate_best(problem, objective, start) for start in starts[:1]]
    for index in range(_STARTS):
        rows = _core.anneal_load(
            native,
            to_rows(starts[index % len(starts)]),
            price=_prices(problem) if objective == ENERGY else [],
            seed=limits.seed * _STARTS + index,
            iterations=int(work / _STARTS / len(problem.groups)),
            seconds=limits.left_s / 2,
        )
        found = evaluate(problem, to_stages(rows))
        tries += [found, evaluate_best(problem, objective, found)]
    best = min(tries, key=lambda found: score(problem, found, objective))
    floor = starts[0]
    better = score(problem, best, objective) < score(problem, floor, objective)
    return best if better else floor


def evaluate_best(problem: Problem, objective: str, schedule: Schedule) -> Schedule:
    """The same units, staged anew; the schedule itself where that keeps no limit."""
    unit_of = [0] * len(problem.groups)
    for stage in schedule.stages:
        for group in stage.groups:
            unit_of[group] = stage.unit
    return best_stages(problem, unit_of, objective) or schedule


def _pack_bound(problem: Problem, upper: int, limits: Limits) -> int:
    """The bound by prices, with as many rounds as fit the share of the time limit."""
    native = native_problem(problem)
    cells = len(problem.groups) * 2 ** (_WIDTH + 1)
    resolution = min(_RESOLUTION, _MOST_WAYS // cells)
    if resolution < len(problem.units):
        return 0
    steps = 2 * cells * resolution * len(problem.units)
    rounds = int(limits.limit_s * _BOUND_SHARE * _STEPS_PER_SECOND / steps)
    return _core.pack_bound(
        native,
        rounds=min(rounds, _MOST_ROUNDS),
        resolution=resolution,
        width=_WIDTH,
        upper=upper,
        gap=limits.gap,
        seconds=limits.left_s / 2,
    )
