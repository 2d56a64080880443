"""Measuring a compiled graph: plain and profiled runs in turns, until their median is settled."""

import os
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from queue import SimpleQueue
from threading import Thread
from time import monotonic, perf_counter_ns
from typing import Protocol, TypeAlias, TypeVar

from hetsched.backends.ort_profile import RunTime
from hetsched.cost.bands import relative_error
from hetsched.cost.measure_load import MIN_ROUNDS, calmest, slow_runs

SETTLED = 0.01
"""Stop when half the median's 95% confidence interval is at most this share of it."""

WARM_UP_NS = 20_000_000
"""Run the session of a whole model at least this long before its times count (and at least twice).
"""

BLOCK_NS = 10_000_000
"""Runs of one session in a row: taking turns after each run would show each a cold cache."""

MAX_BLOCK = 10

T = TypeVar("T")

Progress: TypeAlias = Callable[[float], None]
"""Called with the share of the work that is done, 0 to 1."""


class Pair(Protocol):
    """Two sessions of one graph; each call runs one of them once."""

    def plain(self) -> RunTime:
        """Run without the profiler."""
        ...

    def profiled(self) -> RunTime:
        """Run with the profiler."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Turns:
    """What running in turns gave, warm-up left out.

    Attributes:
        plain: the plain runs.
        profiled: the profiled runs: the last ones of their session.
        reference_ns: per round, time of the reference work; none where there was no such work.
        block: runs of each session in a round.
        interrupted: the user ended it; what was measured until then is here.
    """

    plain: tuple[RunTime, ...]
    profiled: tuple[RunTime, ...]
    reference_ns: tuple[int, ...] = ()
    block: int = 1
    interrupted: bool = False

    @property
    def slow(self) -> frozenset[int]:
        """Positions, in either row of runs, of those in rounds that other load slowed down."""
        return slow_runs(self.reference_ns, self.block)

    @property
    def error(self) -> float:
        """Half the 95% confidence interval of the plain median, relative to it."""
        return relative_error(work_ns(self.plain, self.slow))


def work_ns(runs: Sequence[RunTime], slow: frozenset[int] = frozenset()) -> tuple[int, ...]:
    """Time that runs worked: of the calm ones, or of the calmest where these are few.

    With one thread it is the thread's CPU time: while the system runs somebody else's thread on
    that core, the unit isn't working for us.
    """
    return tuple(runs[at].work_ns for at in calmest(runs, slow))


def take_turns(
    pair: Pair,
    *,
    budget_s: float,
    max_profiled: int,
    progress: Progress | None = None,
    reference: Callable[[], int] | None = None,
    share: float = 1.0,
) -> Turns:
    """Run both sessions in turns until the plain median is settled or the budget is spent.

    Args:
        pair: the sessions.
        budget_s: wall time; warm-up and the least number of rounds may exceed it.
        max_profiled: what the profiler has room for; plain runs may go on after it.
        progress: told after each round.
        reference: fixed work, run once a round; returns its time in ns.
        share: of the whole model that the graph is. The smaller, the less certain its median has to
            be: by the root of the share, so that as many runs settle each of its groups as would
            in the whole, and the whole is no less certain than by itself.

    Raises:
        KeyboardInterrupt: when the user ends it before the least number of rounds.
    """
    started = monotonic()
    settled = SETTLED / share**0.5
    typical_ns = _warm_up(pair, WARM_UP_NS * share)
    block = max(1, min(MAX_BLOCK, BLOCK_NS // max(1, typical_ns)))
    plain: list[RunTime] = []
    profiled: list[RunTime] = []
    marks: list[int] = []

    def result(rounds: int, interrupted: bool) -> Turns:
        return Turns(
            plain=tuple(plain[: rounds * block]),
            profiled=tuple(profiled),
            reference_ns=tuple(marks[:rounds]),
            block=block,
            interrupted=interrupted,
        )

    rounds = 0
    try:
        while True:
            if reference is not None:
                marks.append(reference())
            plain.extend(pair.plain() for _ in range(block))
            if len(profiled) + block <= max_profiled:
                profiled.extend(pair.profiled() for _ in range(block))
            rounds += 1
            spent = (monotonic() - started) / budget_s if budget_s > 0 else 1.0
            if progress is not None:
                progress(min(1.0, spent))
            turns = result(rounds, interrupted=False)
            over = spent * (rounds + 1) / rounds >= 1.0  # the next round would be
            if rounds >= MIN_ROUNDS and (over or turns.error <= settled):
                return turns
    except KeyboardInterrupt:
        if rounds < MIN_ROUNDS:
            raise
        return result(rounds, interrupted=True)


def _warm_up(pair: Pair, least_ns: float) -> int:
    """Run each session at least twice; the shortest plain time, which nothing disturbed."""
    shortest = 0
    for run in (pair.profiled, pair.plain):
        begin = perf_counter_ns()
        run()
        shortest = run().work_ns
        while perf_counter_ns() - begin < least_ns:
            shortest = min(shortest, run().work_ns)
    return shortest


def repeat(run: Callable[[], T], *, times: int, warm_up: int) -> tuple[T, ...]:
    """Results of some runs, after some that don't count."""
    for _ in range(warm_up):
        run()
    return tuple(run() for _ in range(times))


def hand_offs(
    here: Collection[int], there: Collection[int], *, times: int, warm_up: int
) -> tuple[int, ...]:
    """Times in ns from putting something into a thread's hands until that thread has it.

    Two threads on different cores pass a token to and fro; each time is half of a round.

    Args:
        here: CPUs of the calling thread.
        there: CPUs of the other one.
        times: rounds that count.
        warm_up: rounds that don't.
    """
    away: SimpleQueue[bool] = SimpleQueue()
    back: SimpleQueue[bool] = SimpleQueue()

    def answer() -> None:
        with on_cpus(there):
            while away.get():
                back.put(True)

    def ask() -> int:
        begin = perf_counter_ns()
        away.put(True)
        back.get()
        return (perf_counter_ns() - begin) // 2

    thread = Thread(target=answer, name="hetsched-hand-off")
    thread.start()
    try:
        with on_cpus(here):
            return repeat(ask, times=times, warm_up=warm_up)
    finally:
        away.put(False)
        thread.join()


def pin(cpus: Collection[int]) -> None:
    """Keep the calling thread on some CPUs for good, where the system can do that."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, cpus)


@contextmanager
def on_cpus(cpus: Collection[int]) -> Iterator[None]:
    """Keep the calling thread on some CPUs, where the system can do that."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cpus)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
