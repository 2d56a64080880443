"""A thread that calls back at the time that was set last."""

import threading
import time
from collections.abc import Callable


class Alarm:
    """Calls `ring` when the time has come; its thread starts with the first `set`.

    Args:
        ring: called on the alarm's thread, without any lock.
        name: of the thread.
    """

    def __init__(self, ring: Callable[[], None], name: str = "hetsched-alarm") -> None:
        self._ring = ring
        self._name = name
        self._changed = threading.Condition()
        self._at_ns: int | None = None
        self._stopped = False
        self._thread: threading.Thread | None = None

    def set(self, at_ns: int) -> None:
        """Ring at that `time.perf_counter_ns()`; replaces the time set before."""
        with self._changed:
            self._at_ns = at_ns
            if self._thread is None and not self._stopped:
                self._thread = threading.Thread(target=self._run, name=self._name)
                self._thread.start()
            self._changed.notify()

    def stop(self) -> None:
        """Let the thread end; nothing rings from now on."""
        with self._changed:
            self._stopped = True
            self._changed.notify()

    def join(self) -> None:
        """Wait for the thread to end, after `stop`."""
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while self._wait():
            self._ring()

    def _wait(self) -> bool:
        """Until it is time to ring; False when there is nothing to ring for any more."""
        with self._changed:
            while not self._stopped:
                left_ns = None if self._at_ns is None else self._at_ns - time.perf_counter_ns()
                if left_ns is not None and left_ns <= 0:
                    self._at_ns = None
                    return True
                self._changed.wait(None if left_ns is None else left_ns / 1e9)
            return False
