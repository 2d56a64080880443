"""When emulated stages would end on the SoC: progress of all that run at the same time.

A stage first takes a fixed time (dispatch and copies) that nothing slows down, then computes. While
several compute, each is slowed down by a factor that depends on all of them; who runs changes
whenever one starts, begins to compute, or ends.
"""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

Slowdowns: TypeAlias = Callable[[Sequence[Any]], Sequence[float]]
"""From the demands of all stages that compute to how many times as long each takes."""

_NOTHING_NS = 1e-3


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What a stage takes on an idle SoC.

    Attributes:
        fixed_ns: dispatch and copies.
        compute_ns: the rest.
        demand: what it asks of the memory, for the function of slowdowns.
    """

    fixed_ns: float
    compute_ns: float
    demand: Any = None

    @property
    def alone_ns(self) -> float:
        """All of it."""
        return self.fixed_ns + self.compute_ns


@dataclass(slots=True)
class _Running:
    fixed_ns: float
    compute_ns: float
    demand: Any

    @property
    def is_computing(self) -> bool:
        return self.fixed_ns <= _NOTHING_NS < self.compute_ns

    @property
    def is_over(self) -> bool:
        return self.fixed_ns <= _NOTHING_NS and self.compute_ns <= _NOTHING_NS


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

    def start(self, now_ns: int, expected: Expected) -> int:
        """A stage starts; its number comes back."""
        self.advance(now_ns)
        self._next += 1
        self._running[self._next] = _Running(
            expected.fixed_ns, expected.compute_ns, expected.demand
        )
        return self._next

    def end(self, now_ns: int, stage: int) -> None:
        """Forget a stage."""
        self.advance(now_ns)
        del self._running[stage]

    def advance(self, now_ns: int) -> None:
        """Time has passed."""
        left_ns = float(max(0, now_ns - self._now_ns))
        self._now_ns = max(now_ns, self._now_ns)
        while left_ns > 0 and not all(each.is_over for each in self._running.values()):
            factors = self._factors()
            step_ns = min(left_ns, self._next_change_ns(factors))
            for stage, each in self._running.items():
                if each.fixed_ns > _NOTHING_NS:
                    each.fixed_ns -= step_ns
                elif stage in factors:
                    each.compute_ns -= step_ns / factors[stage]
            left_ns -= step_ns

    def left_ns(self, stage: int) -> int:
        """How long the stage will still take if nothing else starts or ends; 0 when it is over."""
        each = self._running[stage]
        if each.is_over:
            return 0
        factor = self._factors().get(stage, 1.0)
        return max(1, round(max(0.0, each.fixed_ns) + max(0.0, each.compute_ns) * factor))

    def _factors(self) -> dict[int, float]:
        computing = {stage: each for stage, each in self._running.items() if each.is_computing}
        factors = self._slowdowns([each.demand for each in computing.values()])
        return dict(zip(computing, factors, strict=True))

    def _next_change_ns(self, factors: dict[int, float]) -> float:
        fixed = [each.fixed_ns for each in self._running.values() if each.fixed_ns > _NOTHING_NS]
        return min(fixed + [self._running[s].compute_ns * by for s, by in factors.items()])


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
