"""What the dispatcher does for units, for the host's part: bounded queues, time to leave."""

import threading
from typing import Final

from hetsched.dispatch import Terms
from hetsched.errors import DroppedError
from hetsched.runtime.host_job import Job
from hetsched.runtime.learning import OUTLIER, SHARE

_SHRINK: Final = 8
"""A drop takes one in so many off what is expected: else one slow time could lock an app out."""


def late(app: str) -> DroppedError:
    """A request that can't meet its deadline any more."""
    return DroppedError(
        f"a request of app {app!r} was dropped: it couldn't meet its deadline any more"
    )


class HostQueue:
    """Requests of one app that wait for their first host stage; the terms say how many may.

    Args:
        terms: the app's.
        app: its name.
    """

    def __init__(self, terms: Terms, app: str) -> None:
        self._capacity = terms.capacity
        self._full = terms.full
        self._app = app
        self._lock = threading.Lock()
        self._jobs: list[Job] = []

    def admit(self, job: Job) -> None:
        """One more; when there are too many, it or others are dropped.

        Raises:
            DroppedError: when it is this one.
        """
        if self._capacity is None:
            return
        with self._lock:
            waiting = [one for one in self._jobs if one.is_wanted() and not one.has_started]
            left = waiting
            if len(waiting) >= self._capacity:
                left = self._left(waiting)
            self._jobs = [*left, job]
        for one in waiting:
            if one not in left:
                one.fail(self._no_room())

    def _left(self, waiting: list[Job]) -> list[Job]:
        if self._full == "reject":
            raise self._no_room()
        return waiting[1:] if self._full == "drop-oldest" else []

    def _no_room(self) -> DroppedError:
        return DroppedError(
            f"a request of app {self._app!r} was dropped: {self._capacity} wait already"
        )


class Expected:
    """How long what comes after the model takes: a robust average, as the stages' times have."""

    def __init__(self) -> None:
        self.average_ns = 0

    def add(self, took_ns: int) -> None:
        """It took that long."""
        old = self.average_ns
        self.average_ns = old + (min(took_ns, OUTLIER * old) - old) // SHARE if old else took_ns

    def shrink(self) -> None:
        """A request was dropped, maybe on account of it."""
        self.average_ns -= -(-self.average_ns // _SHRINK)
