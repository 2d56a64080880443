"""Placing for what the units do in total (throughput, energy): searches, bounds, and CP-SAT.

Dynamic programs and labels give bounds (and energy's optimum, mostly), annealing finds schedules.
What they leave open CP-SAT bounds on another core meanwhile. What ends a search is work, if the
machine is quick enough; every step is told how much of the time limit is left.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from hetsched import _core
from hetsched.place.annealing import anneal_starts
from hetsched.place.balance import Balancer
from hetsched.place.incumbent import Incumbent
from hetsched.place.limits import Limits
from hetsched.place.placement import Schedule
from hetsched.place.problem import ENERGY, THROUGHPUT, Problem
from hetsched.place.stages import best_stages

_STEPS_PER_SECOND = 400_000_000
_STATES_PER_SECOND = 15_000_000
"""Steps that `pack_bound` takes and states that a dynamic program extends per second: assumptions
on the low side, so that normally the work ends a search and not the clock."""

_FIRST_ANNEAL_SHARE = 0.08
_ENERGY_ANNEAL_SHARE = 0.12
_TRIES = 4
_THREADS = 2
_FIRST_STATES_SHARE = 0.02
_SECOND_STATES_SHARE = 0.4
_PACK_SHARE = 0.15

_WIDTH = 4
_RESOLUTION = 2000
_MOST_ROUNDS = 40
_MOST_WAYS = 2**24
"""Decisions that a dynamic program may remember, at 2 to 8 bytes each."""

_LEAST_CP_SAT_S = 1.0
"""CP-SAT isn't begun with less time: its library takes that long to be read."""

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
    at = Incumbent(problem=problem, objective=objective, limits=limits, best=starts[0])
    if objective == THROUGHPUT:
        _balance(at, starts)
    else:
        _cheapest(at, starts)
    return at.best, min(at.bound, at.value), at.method


def _balance(at: Incumbent, starts: Sequence[Schedule]) -> None:
    """Throughput: labels through the graph of states, polished."""
    at.raise_bound(_core.load_bound(at.native))
    anneal_starts(at, starts, _FIRST_ANNEAL_SHARE, _TRIES, _THREADS)
    if at.over():
        return
    balancer = Balancer(at)
    balancer.first()
    if at.over():
        return
    with _cp_sat(at):
        balancer.rest()
        if not at.over() and not balancer.complete:
            at.raise_bound(_pack_bound(at))


def _cheapest(at: Incumbent, starts: Sequence[Schedule]) -> None:
    """Energy: a dynamic program, exact where the states are enough; else CP-SAT bounds better."""
    _frontier(at, _FIRST_STATES_SHARE)
    if at.over():
        return
    anneal_starts(at, [at.best, *starts], _ENERGY_ANNEAL_SHARE, _TRIES, _THREADS)
    if at.over():
        return
    with _cp_sat(at):
        pass
    if not at.over():
        _frontier(at, _SECOND_STATES_SHARE)


@contextmanager
def _cp_sat(at: Incumbent) -> Iterator[None]:
    """Run CP-SAT beside a search that closes the gap by itself or else waits for it.

    What CP-SAT had found when it was stopped early isn't used: that depends on the clock.
    """
    if at.limits.left_s < _LEAST_CP_SAT_S or len(at.problem.groups) > _MOST_GROUPS:
        yield
        return
    from hetsched.place.cpsat.background import Background

    with Background(at.problem, at.objective, at.best, at.bound, at.limits) as background:
        yield
        if at.closed():
            return
        found = background.result()
        at.raise_bound(found.bound)
        at.offer(found.schedule, "cp-sat")


def _frontier(at: Incumbent, share: float) -> None:
    """Energy's bound and schedule by dynamic programming, with a share of the time limit."""
    groups = len(at.problem.groups)
    states = int(at.amount(share, _STATES_PER_SECOND) / groups / len(at.problem.units))
    bound, unit_of = _core.frontier(
        at.native,
        price=at.prices,
        upper=at.value,
        states=max(1, min(_MOST_WAYS // groups, states)),
        seconds=at.limits.left_s,
    )
    at.raise_bound(bound)
    if unit_of:
        at.offer(best_stages(at.problem, unit_of, ENERGY), "search")


def _pack_bound(at: Incumbent) -> int:
    """The bound by prices on groups, with as many rounds as fit the share of the time limit."""
    cells = len(at.problem.groups) * 2 ** (_WIDTH + 1)
    resolution = min(_RESOLUTION, _MOST_WAYS // cells)
    steps = 2 * cells * resolution * len(at.problem.units)
    rounds = int(at.amount(_PACK_SHARE, _STEPS_PER_SECOND) / steps) if resolution else 0
    if resolution < len(at.problem.units) or rounds < 1:
        return 0
    return _core.pack_bound(
        at.native,
        rounds=min(rounds, _MOST_ROUNDS),
        resolution=resolution,
        width=_WIDTH,
        upper=at.value,
        gap=at.limits.gap,
        seconds=at.limits.left_s,
    )
