"""When a placer stops."""

import time
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """When to stop: at a gap, after an amount of work (repeatable), or at a time (not repeatable).

    Attributes:
        gap: (value - bound) / value that is good enough.
        work: CP-SAT's deterministic time.
        deadline: `time.monotonic()` at which to stop at the latest.
        seed: of the search.
    """

    gap: float
    work: float
    deadline: float
    seed: int

    @property
    def left_s(self) -> float:
        """Seconds until the deadline, never negative."""
        return max(0.0, self.deadline - time.monotonic())
