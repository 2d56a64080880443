"""When a placer stops."""

import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """When to stop: at a gap, after an amount of work (repeatable), or at a time (not repeatable).

    Attributes:
        gap: (value - bound) / value that is good enough.
        work: CP-SAT's deterministic time.
        limit_s: the time limit as given; amounts of work are derived from it.
        deadline: of `clock`, at which to stop at the latest: every step of a search gets what is
            left until then.
        seed: of the search.
        clock: tells the time in seconds.
    """

    gap: float
    work: float
    limit_s: float
    deadline: float
    seed: int
    clock: Callable[[], float] = time.monotonic

    @property
    def left_s(self) -> float:
        """Seconds until the deadline, never negative."""
        return max(0.0, self.deadline - self.clock())
