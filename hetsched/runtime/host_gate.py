"""Requests with host stages or state that are under way: nothing ends before they have."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from hetsched.errors import RunError
from hetsched.runtime.host_job import fail


class CancelledRequestError(RunError):
    """The runtime cancelled the request: it was closed."""


class Gate:
    """Counts who is inside, refuses newcomers once it is shut, and can send everybody out."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        # Everything below is touched under it only.
        self._inside = 0
        self._is_shut = False
        self._is_cancelled = False
        self._waits: dict[Future[Any], str] = {}
        self._on_empty: Callable[[], None] | None = None

    def enter(self) -> None:
        """One more request.

        Raises:
            RunError: when the gate is shut.
        """
        with self._lock:
            if self._is_shut:
                raise RunError("the runtime is closed: it takes no new requests or apps")
            self._inside += 1

    def leave(self) -> None:
        """One request less."""
        with self._lock:
            self._inside -= 1
            call = self._empty_call()
        if call is not None:
            call()

    def shut(self, on_empty: Callable[[], None]) -> None:
        """Let nobody in; call back once, from any thread, when nobody is inside."""
        with self._lock:
            self._is_shut = True
            self._on_empty = on_empty
            call = self._empty_call()
        if call is not None:
            call()

    def cancel(self) -> None:
        """End every wait that is under way, or will be."""
        with self._lock:
            self._is_cancelled = True
            waits = list(self._waits.items())
        for future, app in waits:
            _fail(future, app)

    def watch(self, future: "Future[Any]", app: str) -> None:
        """A request of an app waits for this now."""
        with self._lock:
            self._waits[future] = app
            is_cancelled = self._is_cancelled
        if is_cancelled:
            _fail(future, app)

    def unwatch(self, future: "Future[Any]") -> None:
        """It doesn't any more."""
        with self._lock:
            del self._waits[future]

    def _empty_call(self) -> Callable[[], None] | None:
        if self._inside:
            return None
        call, self._on_empty = self._on_empty, None
        return call


def _fail(future: "Future[Any]", app: str) -> None:
    fail(future, CancelledRequestError(f"a request of app {app!r} was cancelled: it has no result"))
