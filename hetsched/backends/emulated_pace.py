"""When emulated stages would end on the SoC: progress of all that run at the same time.

A stage first takes a fixed time (dispatch, latencies of copies, waking its unit) that nothing slows
down, then copies, then computes. n copies on a link at once take n times as long each. While
several compute, each is slowed down by a factor that depends on all of them; who runs changes
whenever one starts, begins another part, or ends. The simulator's rules are the same.
"""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

Slowdowns: TypeAlias = Callable[[Sequence[Any]], Sequence[float]]
"""From the demands of all stages that compute to how many times as long each takes."""

_NOTHING_NS = 1e-3
_FIXED, _COMPUTING, _OVER = -1, -2, -3


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What a stage takes on an idle SoC.

    Attributes:
        fixed_ns: dispatch and latencies of copies.
        compute_ns: the rest.
        demand: what it asks of the memory, for the function of slowdowns.
        copies: (link, ns while nobody else uses it), one after the other.
        unit: whose sleep counts; none where left empty.
        keep_ns: the unit stays awake so long after a stage.
        wake_ns: what the first stage after that pays on top.
    """

    fixed_ns: float
    compute_ns: float
    demand: Any = None
    copies: tuple[tuple[int, float], ...] = ()
    unit: str = ""
    keep_ns: int = 0
    wake_ns: int = 0

    @property
    def alone_ns(self) -> float:
        """All of it, on a unit that is awake."""
        return self.fixed_ns + sum(ns for _, ns in self.copies) + self.compute_ns


@dataclass(slots=True)
class _Running:
    demand: Any
    unit: str
    parts: list[tuple[int, float]]  # (link, _FIXED or _COMPUTING; ns left), the present one first

    @property
    def doing(self) -> int:
        return self.parts[0][0] if self.parts else _OVER

    @property
    def left_ns(self) -> float:
        return self.parts[0][1] if self.parts else 0.0

    def go_on(self, ns: float) -> None:
        """So much of the present part is done; the next one begins when it is over."""
        doing, left_ns = self.parts[0]
        self.parts[0] = (doing, left_ns - ns)
        self.skip()

    def skip(self) -> None:
        """Past parts of which nothing is left."""
        while self.parts and self.parts[0][1] <= _NOTHING_NS:
            del self.parts[0]


class Pace:
    """Progress of running stages; who calls it says what time it is.

    Args:
        slowdowns: of stages that compute at the same time.
    """

    def __init__(self, slowdowns: Slowdowns) -> None:
        self._slowdowns = slowdowns
        self._running: dict[int, _Running] = {}
        self._now_ns = 0
        self._next = 0
        self._idle_since_ns: dict[str, int] = {}

    def start(self, now_ns: int, expected: Expected) -> int:
        """A stage starts; its number comes back."""
        self.advance(now_ns)
        self._next += 1
        fixed_ns = expected.fixed_ns
        if self._now_ns - self._idle_since_ns.get(expected.unit, 0) > expected.keep_ns:
            fixed_ns += expected.wake_ns
        parts = [(_FIXED, fixed_ns), *expected.copies, (_COMPUTING, expected.compute_ns)]
        stage = _Running(expected.demand, expected.unit, parts)
        stage.skip()
        self._running[self._next] = stage
        return self._next

    def end(self, now_ns: int, stage: int) -> None:
        """Forget a stage."""
        self.advance(now_ns)
        self._idle_since_ns[self._running.pop(stage).unit] = self._now_ns

    def advance(self, now_ns: int) -> None:
        """Time has passed."""
        left_ns = float(max(0, now_ns - self._now_ns))
        self._now_ns = max(now_ns, self._now_ns)
        while left_ns > 0 and (factors := self._factors()):
            ends_ns = [self._running[stage].left_ns * by for stage, by in factors.items()]
            step_ns = min(left_ns, *ends_ns)
            for stage, by in factors.items():
                self._running[stage].go_on(step_ns / by)
            left_ns -= step_ns

    def left_ns(self, stage: int) -> int:
        """How long the stage will still take if nothing else starts or ends; 0 when it is over."""
        each = self._running[stage]
        if not each.parts:
            return 0
        by = self._factors()[stage]
        later_ns = sum(ns for _, ns in each.parts[1:])
        return max(1, round(each.left_ns * by + later_ns))

    def _factors(self) -> dict[int, float]:
        """How many times as long the present part of each stage takes that isn't over."""
        going = {stage: each for stage, each in self._running.items() if each.parts}
        computing = [stage for stage, each in going.items() if each.doing == _COMPUTING]
        by = self._slowdowns([going[stage].demand for stage in computing])
        slowed = dict(zip(computing, by, strict=True))
        links = [each.doing for each in going.values()]
        return {
            stage: slowed.get(stage, 1.0 if each.doing == _FIXED else links.count(each.doing))
            for stage, each in going.items()
        }


class Pacer:
    """A `Pace` for threads, on the host's clock."""

    def __init__(self, slowdowns: Slowdowns) -> None:
        self._changed = threading.Condition()
        self._pace = Pace(slowdowns)

    def start(self, expected: Expected) -> int:
        """A stage starts now; its number comes back."""
        with self._changed:
            stage = self._pace.start(time.perf_counter_ns(), expected)
            self._changed.notify_all()
            return stage

    def finish(self, stage: int) -> None:
        """Wait until the stage would have ended on the SoC."""
        with self._changed:
            while True:
                self._pace.advance(time.perf_counter_ns())
                left_ns = self._pace.left_ns(stage)
                if left_ns == 0:
                    break
                self._changed.wait(left_ns / 1e9)
            self._pace.end(time.perf_counter_ns(), stage)
            self._changed.notify_all()

    def abandon(self, stage: int) -> None:
        """The stage has failed: nobody waits for its end."""
        with self._changed:
            self._pace.end(time.perf_counter_ns(), stage)
            self._changed.notify_all()
