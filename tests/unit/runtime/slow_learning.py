"""What a stage takes, learnt slowly: the reference of the native `Learned`."""

from collections import deque
from collections.abc import Callable

from hetsched.runtime.learning import DOUBT, KEPT, SHARE, TOLERANCE


class SlowAverage:
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


class SlowLearned:
    """Times of one app's stages. Not for several threads at once.

    Args:
        told: called with stage, unit and ns when an average has moved.
    """

    def __init__(self, told: Callable[[int, int, int], None]) -> None:
        self._told = told
        self._averages: dict[tuple[int, int], SlowAverage] = {}
        self._told_ns: dict[tuple[int, int], int] = {}
        self._drops = 0

    def add(self, stage: int, unit: int, took_ns: int) -> None:
        """A stage took that long on a unit."""
        self._drops = 0
        place = (stage, unit)
        average = self._averages.get(place)
        if average is None:
            self._averages[place] = SlowAverage(took_ns)
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
