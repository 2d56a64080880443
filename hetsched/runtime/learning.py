"""What stages really take here: a robust average per stage and unit, told to the dispatcher.

Each new time is replaced by the median of it and the two before, and that goes into an average that
forgets. So a single time that is out of the ordinary, however far, isn't seen, and what lasts is
followed: after a lasting change by a factor of 1.5 (a chip that throttles) the average is within
10% of the new time after `FOLLOWS` runs. The first few runs count by their median: the very first
one finds cold caches.
"""

from collections import deque
from collections.abc import Callable
from typing import Final

import msgspec

from hetsched.quantity import Origin

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


class RobustAverage:
    """Of a series of times; see this file's beginning.

    Attributes:
        ns: the average.
        runs: how many times there were.
        times: the last `KEPT` of them.
    """

    __slots__ = ("ns", "runs", "times")

    def __init__(self, took_ns: int) -> None:
        self.ns = took_ns
        self.runs = 1
        self.times: deque[int] = deque((took_ns,), maxlen=KEPT)

    def add(self, took_ns: int) -> None:
        """One more."""
        times = self.times
        times.append(took_ns)
        self.runs += 1
        if self.runs <= SHARE:
            self.ns = sorted(times)[(self.runs - 1) // 2]
            return
        low, high = times[-3], times[-2]
        if low > high:
            low, high = high, low
        middle = low if took_ns < low else high if took_ns > high else took_ns
        self.ns += (middle - self.ns) // SHARE


class Learned:
    """Times of one app's stages. Not for several threads at once.

    Args:
        told: called with stage, unit and ns when an average has moved.
    """

    def __init__(self, told: Callable[[int, int, int], None]) -> None:
        self._told = told
        self._averages: dict[tuple[int, int], RobustAverage] = {}
        self._told_ns: dict[tuple[int, int], int] = {}
        self._drops = 0

    def add(self, stage: int, unit: int, took_ns: int) -> None:
        """A stage took that long on a unit."""
        self._drops = 0
        place = (stage, unit)
        average = self._averages.get(place)
        if average is None:
            self._averages[place] = RobustAverage(took_ns)
            self._tell(place, took_ns)
            return
        average.add(took_ns)
        told_ns = self._told_ns[place]
        if not -told_ns <= (average.ns - told_ns) * TOLERANCE <= told_ns:
            self._tell(place, average.ns)

    def dropped(self) -> None:
        """A request was dropped."""
        self._drops += 1
        if self._drops < DOUBT:
            return
        self._drops = 0
        for place, told_ns in self._told_ns.items():
            self._tell(place, told_ns // 2)

    def _tell(self, place: tuple[int, int], ns: int) -> None:
        self._told_ns[place] = ns
        self._told(*place, ns)

    def average_ns(self, stage: int, unit: int) -> int | None:
        """What a stage takes on a unit; None when it hasn't run there yet."""
        average = self._averages.get((stage, unit))
        return None if average is None else average.ns

    def places(self) -> dict[tuple[int, int], tuple[int, int, tuple[int, ...]]]:
        """Average, number of runs and last times, by stage and unit."""
        return {
            place: (average.ns, average.runs, tuple(average.times))
            for place, average in list(self._averages.items())
        }
