"""What stages really take here: a robust average per stage and unit, told to the dispatcher.

Each new time is replaced by the median of it and the two before, and that goes into an average that
forgets. So a single time that is out of the ordinary, however far, isn't seen, and what lasts is
followed: after a lasting change by a factor of 1.5 (a chip that throttles) the average is within
10% of the new time after `FOLLOWS` runs. The first few runs count by their median: the very first
one finds cold caches. `Learned` does it natively; constants that it shares are there again.
"""

from typing import Final

import msgspec

from hetsched._core import Learned
from hetsched.quantity import Origin

__all__ = [
    "DOUBT",
    "FOLLOWS",
    "KEPT",
    "OUTLIER",
    "RUNS",
    "SHARE",
    "TOLERANCE",
    "Learned",
    "StageCost",
]

SHARE: Final = 8
"""A new median counts for one in so many, and so many first runs count by their median. A choice:
quiet enough for queues, quick enough for heat."""

FOLLOWS: Final = 11
"""Runs until a change by 1.5 is followed: the median of three sees it with the second run, and then
0.5/1.5 x (7/8)^n is under 0.1 from n = 10 on."""

RUNS: Final = 20
"""A stage that ran less often says nothing yet. A choice: see `FOLLOWS`."""

TOLERANCE: Final = 16
"""The dispatcher is told when the average has moved by more than one in so many."""

KEPT: Final = 32
"""Times per stage and unit that medians and bands are made of."""

DOUBT: Final = 16
"""After so many requests in a row that were dropped without a stage being run, what was learnt is
halved: times that nobody takes any more could keep every request out for ever. A choice."""

OUTLIER: Final = 4
"""Elsewhere, an average without memory takes a time as at most so many times itself."""


class StageCost(msgspec.Struct, frozen=True, kw_only=True):
    """What a stage took on a unit of late.

    Attributes:
        stage: the plan's id.
        unit: the runtime's unit.
        latency_ns: median of the last `KEPT` runs.
        low_ns: their 10th percentile.
        high_ns: their 90th percentile.
        average_ns: the robust average that the dispatcher goes by.
        planned_ns: what the plan predicts for it there; None when that says nothing here.
        runs: how many there were in all.
        origin: `measured`, or `emulated` on a unit that only plays another.
    """

    stage: str
    unit: str
    latency_ns: int
    low_ns: int
    high_ns: int
    average_ns: int
    planned_ns: int | None
    runs: int
    origin: Origin
