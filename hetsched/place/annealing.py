"""Annealing for throughput and energy, from several starts or from the ends of another search."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from hetsched import _core
from hetsched.place.evaluate import evaluate, score
from hetsched.place.incumbent import Incumbent
from hetsched.place.latency_limits import Rows
from hetsched.place.native import to_rows, to_stages
from hetsched.place.placement import Schedule
from hetsched.place.problem import ENERGY
from hetsched.place.stages import best_stages

_GROUPS_PER_SECOND = 40_000_000
"""Groups that annealing evaluates per second: an assumption that turns a time limit into an amount
of work, which normally ends a search before the clock does."""

_STEPS_PER_GROUP = 5_000
"""More steps of annealing than this aren't worth their time on small problems."""

_PHASES = ((True, 0.5, 0.02), (False, 0.5, 0.003))
_ONE_PHASE = ((False, 1.0, 0.02),)
"""Annealing's phases: whether the loads are evened out, part of the work, first temperature.

Evening out first finds better placements of wide models, going for the busiest unit at once better
ones of chains: both are tried.
"""

_POLISHED = 5
_POLISH_HOT = (0.0005, 0.0015)
"""How many schedules of another search are polished, and first temperatures: just enough to move
groups at the ends of stages, which labels see without all their dispatches."""


def anneal_starts(
    at: Incumbent, starts: Sequence[Schedule], share: float, tries: int, threads: int = 1
) -> None:
    """Anneal several times, each from one of the starts in turn.

    Args:
        at: gets what is found.
        starts: valid schedules.
        share: of the time limit, for all tries together.
        tries: how often; each with a seed of its own.
        threads: tries at a time; what is found doesn't depend on which of them ends first.
    """
    steps = _steps(at, share / tries)
    _offer_restaged(at, starts[0])
    with ThreadPoolExecutor(threads) as pool:
        for first in range(0, tries, threads):
            if at.over():
                return
            batch = range(first, min(tries, first + threads))
            phases = [_phases(at, index) for index in batch]
            rows = [to_rows(starts[index % len(starts)]) for index in batch]
            seeds = [at.next_seed() for _ in batch]
            for found in pool.map(partial(_anneal, at, steps), rows, phases, seeds):
                _offer(at, found)


def _phases(at: Incumbent, index: int) -> Sequence[tuple[bool, float, float]]:
    return _ONE_PHASE if at.objective == ENERGY or index % 3 == 0 else _PHASES


def polish(at: Incumbent, found: Sequence[Schedule], share: float) -> None:
    """Anneal each of some schedules gently, and the best so far.

    Args:
        at: gets what is found.
        found: valid schedules, best first.
        share: of the time limit, for all of them together.
    """
    tries = [at.best, *found[: _POLISHED - 1]]
    steps = _steps(at, share / len(tries))
    for index, schedule in enumerate(tries):
        if at.over():
            return
        phases = ((False, 1.0, _POLISH_HOT[index % len(_POLISH_HOT)]),)
        _offer(at, _anneal(at, steps, to_rows(schedule), phases, at.next_seed()))


def _steps(at: Incumbent, share: float) -> int:
    groups = len(at.problem.groups)
    return min(int(at.amount(share, _GROUPS_PER_SECOND) / groups), _STEPS_PER_GROUP * groups)


def _anneal(
    at: Incumbent,
    steps: int,
    rows: Rows,
    phases: Sequence[tuple[bool, float, float]],
    seed: int,
) -> Rows:
    """Stages after all phases: not worse for the last one's aim than what it began with."""
    for smooth, part, hot in phases:
        rows = _core.anneal_load(
            at.native,
            rows,
            price=at.prices,
            seed=seed,
            iterations=int(steps * part),
            smooth=smooth,
            hot=hot,
            seconds=at.limits.left_s,
        )
    return rows


def _offer(at: Incumbent, rows: Rows) -> None:
    found = evaluate(at.problem, to_stages(rows))
    if score(at.problem, found, at.objective) < at.value:
        at.offer(found, "search")
        _offer_restaged(at, found)


def _offer_restaged(at: Incumbent, schedule: Schedule) -> None:
    """The same units, staged anew."""
    unit_of = [0] * len(at.problem.groups)
    for stage in schedule.stages:
        for group in stage.groups:
            unit_of[group] = stage.unit
    at.offer(best_stages(at.problem, unit_of, at.objective), "search")
