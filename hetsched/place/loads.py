"""Placing for what the units do in total (throughput, energy): search, bounds, then CP-SAT.

Dynamic programs and prices give bounds (and energy's optimum, mostly), annealing finds schedules;
CP-SAT gets the best of both and closes what is left. All but CP-SAT is native and for any size.
"""

from collections.abc import Sequence
from dataclasses import replace

from hetsched import _core
from hetsched.place.balance import balance_units
from hetsched.place.evaluate import evaluate, power_uw, score
from hetsched.place.limits import Limits
from hetsched.place.native import native_problem, to_rows, to_stages
from hetsched.place.placement import Schedule
from hetsched.place.problem import ENERGY, THROUGHPUT, Problem
from hetsched.place.stages import best_stages

_GROUPS_PER_SECOND = 6_000_000
_STEPS_PER_SECOND = 400_000_000
_STATES_PER_SECOND = 15_000_000
"""Groups that annealing evaluates, steps that `pack_bound` takes and states that a dynamic program
extends per second: assumptions that turn a time limit into an amount of work, on the low side so
that normally the work ends a search and not the clock."""

_SEARCH_SHARE = 0.15
_BOUND_SHARE = 0.15
_SECOND_SHARE = 0.4
_STARTS = 3
_STEPS_PER_GROUP = 5_000
"""More steps of annealing than this aren't worth their time on small problems."""

_ONE_PHASE = ((False, 1.0, 0.02),)
_PHASES = ((True, 0.5, 0.02), (False, 0.5, 0.003))
"""Annealing's phases: whether the loads are evened out, part of the work, first temperature.

Evening out first found better placements of wide models (densenet121, ppocr-det), going for the
busiest unit at once better ones of chains (vgg19, resnet50): both are tried.
"""

_WIDTH = 4
_RESOLUTION = 2000
_MOST_ROUNDS = 40
_MOST_WAYS = 2**24
"""Decisions that a dynamic program may remember, at 2 to 8 bytes each."""

_LATE_SHARE = 0.1
"""CP-SAT isn't begun with less than this part of the time limit left."""

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
    floor = best = starts[0]
    if objective == ENERGY:
        bound, best = _frontier(problem, floor, _states(problem, limits, _BOUND_SHARE))
    else:
        bound, best = balance_units(problem, floor, limits)
    if not _closed(problem, objective, best, bound, limits):
        best = _anneal(problem, objective, [best, *starts], limits)
    if not _closed(problem, objective, best, bound, limits):
        if objective == ENERGY:
            tighter, best = _frontier(problem, best, _states(problem, limits, _SECOND_SHARE))
        else:
            tighter = _pack_bound(problem, score(problem, best, objective), limits)
        bound = max(bound, tighter)
    method = "baseline" if best is floor else "search"
    late = limits.left_s < _LATE_SHARE * limits.limit_s
    if late or len(problem.groups) > _MOST_GROUPS:
        return best, bound, method
    if _closed(problem, objective, best, bound, limits):
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


def _frontier(problem: Problem, floor: Schedule, states: int) -> tuple[int, Schedule]:
    """Energy's bound and schedule by dynamic programming: exact where the states are enough.

    The better the floor, the fewer states are needed.
    """
    bound, unit_of = _core.frontier(
        native_problem(problem),
        price=_prices(problem),
        upper=score(problem, floor, ENERGY),
        states=states,
    )
    found = best_stages(problem, unit_of, ENERGY) if unit_of else None
    if found is None or score(problem, found, ENERGY) >= score(problem, floor, ENERGY):
        return bound, floor
    return bound, found


def _states(problem: Problem, limits: Limits, share: float) -> int:
    """States that a dynamic program may keep, for a share of the time limit."""
    groups = len(problem.groups)
    work = limits.limit_s * share * _STATES_PER_SECOND
    return max(1, min(_MOST_WAYS // groups, int(work / groups / len(problem.units))))


def _prices(problem: Problem) -> list[int]:
    """Power in uW per unit, 0 where it isn't known: such units can't be used."""
    return [
        0 if power is None else power_uw(problem, unit)
        for unit, power in enumerate(problem.power_mw)
    ]


def _anneal(
    problem: Problem, objective: str, starts: Sequence[Schedule], limits: Limits
) -> Schedule:
    """Anneal from several starts with an amount of work that fits the share of the time limit.

    Returns:
        A schedule no worse than the first start.
    """
    native = native_problem(problem)
    work = limits.limit_s * _SEARCH_SHARE * _GROUPS_PER_SECOND
    groups = len(problem.groups)
    steps = min(int(work / _STARTS / groups), _STEPS_PER_GROUP * groups)
    prices = _prices(problem) if objective == ENERGY else []
    tries = [starts[0], _restaged(problem, objective, starts[0])]
    for index in range(_STARTS):
        rows: Sequence[tuple[int, Sequence[int]]] = to_rows(starts[index % len(starts)])
        for smooth, part, hot in _PHASES if objective == THROUGHPUT and index else _ONE_PHASE:
            rows = _core.anneal_load(
                native,
                rows,
                price=prices,
                seed=limits.seed * _STARTS + index,
                iterations=int(steps * part),
                smooth=smooth,
                hot=hot,
                seconds=limits.left_s / 2,
            )
        found = evaluate(problem, to_stages(rows))
        tries += [found, _restaged(problem, objective, found)]
    return min(tries, key=lambda found: score(problem, found, objective))


def _restaged(problem: Problem, objective: str, schedule: Schedule) -> Schedule:
    """The same units, staged anew; the schedule itself where that keeps no limit."""
    unit_of = [0] * len(problem.groups)
    for stage in schedule.stages:
        for group in stage.groups:
            unit_of[group] = stage.unit
    return best_stages(problem, unit_of, objective) or schedule


def _pack_bound(problem: Problem, upper: int, limits: Limits) -> int:
    """The bound by prices on groups, with as many rounds as fit the share of the time limit."""
    cells = len(problem.groups) * 2 ** (_WIDTH + 1)
    resolution = min(_RESOLUTION, _MOST_WAYS // cells)
    if resolution < len(problem.units):
        return 0
    steps = 2 * cells * resolution * len(problem.units)
    rounds = int(limits.limit_s * _BOUND_SHARE * _STEPS_PER_SECOND / steps)
    return _core.pack_bound(
        native_problem(problem),
        rounds=min(rounds, _MOST_ROUNDS),
        resolution=resolution,
        width=_WIDTH,
        upper=upper,
        gap=limits.gap,
        seconds=limits.left_s / 2,
    )
