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

SETTLED = 0.01
"""Stop when half the median's 95% confidence interval is at most this share of it."""

MIN_ROUNDS = 3
"""Measured rounds even when the budget is spent: fewer tell nothing about the spread."""

WARM_UP_NS = 20_000_000
"""Run a session at least this long before its times count (and at least twice)."""

BLOCK_NS = 10_000_000
"""Runs of one session in a row: taking turns after each run would show each a cold cache."""

MAX_BLOCK = 10

DISTURBED = 0.01
"""A run that waited for a CPU longer than this share of its time isn't calm."""

T = TypeVar("T")

Progress: TypeAlias = Callable[[float], None]
"""Called with the share of the work that is done, 0 to 1."""


class Pair(Protocol):
    """Two one-thread sessions of one graph; each call runs one of them once."""

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
    """

    plain: tuple[RunTime, ...]
    profiled: tuple[RunTime, ...]


def calm(runs: Sequence[RunTime]) -> tuple[int, ...]:
    """Positions of the runs that hardly waited for a CPU: other load left them alone."""
    return tuple(at for at, run in enumerate(runs) if _waited_ns(run) <= DISTURBED * run.wall_ns)


def _waited_ns(run: RunTime) -> int:
    return run.wall_ns - run.cpu_ns


def work_ns(runs: Sequence[RunTime]) -> tuple[int, ...]:
    """Time that one-thread runs worked: of the calm ones, or of the calmest where these are few.

    It is the thread's CPU time: while the system runs somebody else's thread on that core, the
    unit isn't working for us.
    """
    good = calm(runs)
    if len(good) < MIN_ROUNDS:
        good = tuple(sorted(range(len(runs)), key=lambda at: _waited_ns(runs[at]))[:MIN_ROUNDS])
    return tuple(runs[at].cpu_ns for at in good)


def take_turns(
    pair: Pair, *, budget_s: float, max_profiled: int, progress: Progress | None = None
) -> Turns:
    """Run both sessions in turns until the plain median is settled or the budget is spent.

    Args:
        pair: the sessions.
        budget_s: wall time; warm-up and the least number of rounds may exceed it.
        max_profiled: stop before this many profiled runs.
        progress: told after each round.
    """
    started = monotonic()
    typical_ns = _warm_up(pair)
    block = max(1, min(MAX_BLOCK, BLOCK_NS // max(1, typical_ns)))
    plain: list[RunTime] = []
    profiled: list[RunTime] = []
    while True:
        plain.extend(pair.plain() for _ in range(block))
        profiled.extend(pair.profiled() for _ in range(block))
        spent = (monotonic() - started) / budget_s if budget_s > 0 else 1.0
        if progress is not None:
            progress(min(1.0, spent))
        if len(plain) < MIN_ROUNDS * block:
            continue
        full = len(profiled) + block > max_profiled
        if full or spent >= 1.0 or relative_error(work_ns(plain)) <= SETTLED:
            return Turns(plain=tuple(plain), profiled=tuple(profiled))


def _warm_up(pair: Pair) -> int:
    """Run each session at least twice; the last plain time."""
    last = 0
    for run in (pair.profiled, pair.plain):
        begin = perf_counter_ns()
        run()
        last = run().wall_ns
        while perf_counter_ns() - begin < WARM_UP_NS:
            last = run().wall_ns
    return last


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
