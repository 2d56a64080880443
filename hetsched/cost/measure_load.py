"""Other load on the machine while it is measured: recognised, left out, reported.

Two signs tell of it. A run that waited for a CPU was disturbed by a program that took it. A round
in which fixed work takes longer than at the machine's calmest was disturbed by one that shares
memory, caches or the clock with us.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import thread_time_ns

import numpy as np

from hetsched.backends.ort_profile import RunTime

MIN_ROUNDS = 3
"""Measured rounds even when the budget is spent: fewer tell nothing about the spread."""

ENOUGH = 5
"""Calm runs that are enough to leave the others out: fewer have no confidence interval."""

DISTURBED = 0.01
"""A run that waited for a CPU longer than this share of its time isn't calm."""

TIMER_NS = 10_000
"""Waiting that may be the clocks' own time, and is less than being switched out takes."""

SLOW = 1.15
"""A round whose reference work takes this many times the calmest one's isn't calm.

Chosen, not derived: on a two-core virtual machine that ran nothing else, three times 1,500 calls of
the reference had their median at 1.13 to 1.36 and their 90th percentile at 1.28 to 1.62 times their
10th percentile. What neighbours on the host slow down is left out there too.
"""

CALMEST_PERCENTILE = 10.0
_REFERENCE_BYTES = 4 * 2**20
_REFERENCE_SWEEPS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What other programs did meanwhile.

    Attributes:
        runs: plain runs in all.
        waited: of these, the ones that waited for a CPU.
        slowed: of the others, the ones in rounds where the reference work was slow.
        slowdown: typical time of the reference work, relative to its calmest; 1.0 without any.
    """

    runs: int
    waited: int
    slowed: int
    slowdown: float

    @property
    def disturbed(self) -> float:
        """Share of the runs that weren't calm."""
        return (self.waited + self.slowed) / self.runs if self.runs else 0.0


def calm(runs: Sequence[RunTime], slow: frozenset[int] = frozenset()) -> tuple[int, ...]:
    """Positions of the runs that other load left alone.

    Args:
        runs: in the order in which they ran.
        slow: positions that were slowed down, by another sign.
    """
    return tuple(
        at
        for at, run in enumerate(runs)
        if at not in slow and run.waited_ns <= max(TIMER_NS, DISTURBED * run.wall_ns)
    )


def calmest(runs: Sequence[RunTime], slow: frozenset[int] = frozenset()) -> tuple[int, ...]:
    """Positions of the calm runs; where these are few, of the half that waited least."""
    for good in (calm(runs, slow), calm(runs)):
        if len(good) >= ENOUGH:
            return good
    order = sorted(range(len(runs)), key=lambda at: (runs[at].waited_ns, runs[at].work_ns))
    return tuple(sorted(order[: max(MIN_ROUNDS, len(runs) // 2)]))


def slow_runs(reference_ns: Sequence[int], block: int) -> frozenset[int]:
    """Positions of the runs in rounds whose reference work was slow.

    Args:
        reference_ns: per round.
        block: runs per round.
    """
    if not reference_ns:
        return frozenset()
    limit = SLOW * float(np.percentile(reference_ns, CALMEST_PERCENTILE))
    slow = (at for at, taken in enumerate(reference_ns) if taken > limit)
    return frozenset(run for at in slow for run in range(at * block, (at + 1) * block))


def load(runs: Sequence[RunTime], reference_ns: Sequence[int], block: int) -> Load:
    """Sum up what was seen."""
    alone, undisturbed = len(calm(runs)), len(calm(runs, slow_runs(reference_ns, block)))
    slowdown = 1.0
    if reference_ns:
        least = float(np.percentile(reference_ns, CALMEST_PERCENTILE))
        slowdown = float(np.median(reference_ns)) / max(least, 1.0)
    return Load(
        runs=len(runs), waited=len(runs) - alone, slowed=alone - undisturbed, slowdown=slowdown
    )


def reference() -> Callable[[], int]:
    """Fixed work that memory and arithmetic share; a call returns its time on the CPU in ns."""
    data = np.ones(_REFERENCE_BYTES // 4, np.float32)

    def run() -> int:
        begin = thread_time_ns()
        for _ in range(_REFERENCE_SWEEPS):
            np.multiply(data, 1.0, out=data)
        return thread_time_ns() - begin

    run()
    return run
