"""Measuring a compiled graph: plain and profiled runs in turns, until their median is settled."""

from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic, perf_counter_ns
from typing import Protocol, TypeAlias

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

Progress: TypeAlias = Callable[[float], None]
"""Called with the share of the work that is done, 0 to 1."""


class Pair(Protocol):
    """Two sessions of one graph; each call runs one once and returns its time in ns."""

    def plain(self) -> int:
        """Run without the profiler."""
        ...

    def profiled(self) -> int:
        """Run with the profiler."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Turns:
    """What running in turns gave.

    Attributes:
        plain_ns: times of the plain runs that count.
        profiled: how many profiled runs count: the last ones.
    """

    plain_ns: tuple[int, ...]
    profiled: int


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
    plain_ns: list[int] = []
    profiled = 0
    while True:
        plain_ns.extend(pair.plain() for _ in range(block))
        for _ in range(block):
            pair.profiled()
        profiled += block
        spent = (monotonic() - started) / budget_s if budget_s > 0 else 1.0
        if progress is not None:
            progress(min(1.0, spent))
        if profiled < MIN_ROUNDS * block:
            continue
        settled = relative_error(plain_ns) <= SETTLED
        if settled or spent >= 1.0 or profiled + block > max_profiled:
            return Turns(plain_ns=tuple(plain_ns), profiled=profiled)


def _warm_up(pair: Pair) -> int:
    """Run each session at least twice; the last plain time."""
    last = 0
    for run in (pair.profiled, pair.plain):
        begin = perf_counter_ns()
        run()
        last = run()
        while perf_counter_ns() - begin < WARM_UP_NS:
            last = run()
    return last


def repeat(run: Callable[[], int], *, times: int, warm_up: int) -> tuple[int, ...]:
    """Times of some runs in ns, after some that don't count."""
    for _ in range(warm_up):
        run()
    return tuple(run() for _ in range(times))
