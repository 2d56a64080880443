"""Events on their way out of a simulation: kept up to a number, or handed on."""

from collections.abc import Callable

import numpy as np

from hetsched._core import Simulation
from hetsched.trace import EVENT


class Recording:
    """Takes what the native side has recorded.

    Args:
        limit: how many events to keep.
        sink: gets all of them, piece by piece.
    """

    def __init__(self, *, limit: int, sink: Callable[[np.ndarray], None] | None) -> None:
        self._left = limit
        self._sink = sink
        self._kept: list[np.ndarray] = []
        self.is_on = limit > 0 or sink is not None
        self.lost = 0

    def take(self, native: Simulation) -> None:
        """All events since the last call."""
        if not self.is_on or native.trace_events == 0:
            return
        events = np.frombuffer(native.take_trace(), EVENT)
        if self._sink is not None:
            self._sink(events)
        here = min(self._left, len(events))
        if here:
            self._kept.append(events[:here])
        self._left -= here
        if self._sink is None:
            self.lost += len(events) - here

    def events(self) -> np.ndarray:
        """What was kept, (N,)."""
        return np.concatenate(self._kept) if self._kept else np.empty(0, EVENT)
