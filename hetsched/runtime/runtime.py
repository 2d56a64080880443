"""The asyncio face of the runtime: deploy plans, await their outputs."""

import asyncio
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from hetsched.backends.base import Releasing
from hetsched.dispatch import Policy
from hetsched.errors import RunError
from hetsched.runtime.app import App, Duration, duration_ns, wake
from hetsched.runtime.deploying import Deploying, watchdog_of
from hetsched.runtime.engine import Engine
from hetsched.runtime.faults import DEFAULTS, FaultEvent, Faults
from hetsched.runtime.hosting import Hosting
from hetsched.runtime.inbox import Inbox
from hetsched.runtime.publish import Publisher, is_wanted
from hetsched.runtime.seeing import Seeing
from hetsched.runtime.snapshot import policy_name
from hetsched.runtime.tracing import begin as begin_trace
from hetsched.runtime.tracing import end as end_trace
from hetsched.runtime.units import RuntimeUnit
from hetsched.stages.manners import NICE

GRACE: Final = "10s"
"""What closing gives stages and threads to end that nobody waits for. A choice."""


class Runtime(Deploying, Seeing):
    """Runs plans on units, one stage at a time on each, several requests and apps in flight.

    Use it as `async with Runtime(host_units()) as runtime`. Leaving the block waits for what was
    submitted; when an exception leaves it, requests are cancelled.

    Args:
        units: what to run on; `hetsched.host_units()` for this machine.
        policy: which ready stage a free unit takes: one of `POLICIES`, a `StaticOrder`, or a
            function that chooses.
        host_processes: how many processes compute host stages; by default one a core, at most 4.
            They are started with the first app that needs them.
        host_nice: how much nicer than this program they are (0 to 19) to units that compute on the
            same cores. Whoever has little to do goes first in any case.
        watchdog: when a stage hangs, unless its app says otherwise: `auto` takes a multiple of
            what is known of its times (nothing hangs of which nothing is known), `off` never, a
            duration after so long.
        faults: how failing units are dealt with; see `Faults`.
        on_fault: called with each `FaultEvent`, on any thread; see also `events`.
        trace: a file that everything is recorded into, from the beginning to the end; see
            `tracing`. It must not be there yet.
        publish: let this user's `hetsched top` look in; by default when the environment has
            HETSCHED_TOP=1.

    Raises:
        RunError: when there is no unit, two have the same name, or the policy doesn't exist.
    """

    def __init__(
        self,
        units: Sequence[RuntimeUnit],
        *,
        policy: Policy = "fifo",
        host_processes: int | None = None,
        host_nice: int = NICE,
        watchdog: Duration = "auto",
        faults: Faults = DEFAULTS,
        on_fault: Callable[[FaultEvent], None] | None = None,
        trace: str | Path | None = None,
        publish: bool | None = None,
    ) -> None:
        names = [unit.name for unit in units]
        if not names:
            raise RunError("a runtime needs at least one unit")
        for name in names:
            if names.count(name) > 1:
                raise RunError(f"two units are named {name!r}: names must differ")
        self.units = tuple(units)
        self._policy = policy
        self._engine = Engine(units, policy, faults)
        self._watchdog = watchdog_of(watchdog)
        if on_fault is not None:
            self._engine.listeners.append(on_fault)
        self._hosting = Hosting(host_processes, host_nice)
        self._trace = trace
        self._is_published = is_wanted(publish)
        self._publisher: Publisher | None = None
        self._started_ns = 0
        self._apps: set[str] = set()
        self._deployed: dict[str, App] = {}
        self._watchers: list[asyncio.Task[None]] = []
        self._rates: dict[str, tuple[App, float]] = {}
        self._inboxes: list[Inbox] = []
        self._state = "new"

    async def __aenter__(self) -> Self:
        if self._state != "new":
            raise RunError(f"this runtime is {self._state}: make a new one")
        if self._trace is not None:
            begin_trace(self._engine, policy_name(self._policy), self._trace)
        self._started_ns = time.perf_counter_ns()
        self._engine.start()
        self._state = "open"
        if self._is_published:
            try:
                self._publisher = Publisher(self.snapshot)
            except BaseException:
                await self.close()
                raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close(cancel=error is not None)

    async def close(
        self, *, cancel: bool = False, timeout: Duration = None, grace: Duration = GRACE
    ) -> tuple[str, ...]:
        """Take no more requests, wait until nothing runs, end the workers.

        A stage that doesn't come back is told (`unit-hung`) and left to itself: its thread ends
        when it does, or with the process.

        Args:
            cancel: end requests in flight as cancelled, after the stages that run just now.
            timeout: when it is over, do that with those that are left.
            grace: how long those stages may take, and threads may take to end; with neither, how
                long any stage may take from now on of which the watchdog `auto` knows nothing. None
                for ever.

        Returns:
            The units whose threads hang still.
        """
        timeout_ns = duration_ns("timeout", timeout)
        grace_ns = duration_ns("grace", grace)
        if self._state != "open":
            return ()
        self._state = "closed"
        start_ns = time.perf_counter_ns()
        if grace_ns is not None and timeout_ns is None and not cancel:
            self._engine.limit_unknown(grace_ns)
        try:
            await self._stop_watching()
            await self._hosting.drain(self._engine, cancel=cancel, timeout_ns=timeout_ns)
            if timeout_ns is not None:
                timeout_ns = max(1, timeout_ns - (time.perf_counter_ns() - start_ns))
        finally:
            stuck = await self._close_engine(cancel, timeout_ns, grace_ns)
            await asyncio.to_thread(self._hosting.close)
            for inbox in self._inboxes:
                inbox.shut()
            if self._publisher is not None:
                await asyncio.to_thread(self._publisher.close)
            await asyncio.to_thread(end_trace, self._engine)
        return stuck

    def retry(self, unit: str) -> None:
        """Try a unit once more that was given up.

        Raises:
            RunError: when there is no such unit, or its thread is still in the stage it hung in.
        """
        names = [each.name for each in self.units]
        if unit not in names:
            raise RunError(f"there is no unit {unit!r}: take one of {', '.join(names)}")
        self._engine.retry(names.index(unit))

    async def _close_engine(
        self, cancel: bool, timeout_ns: int | None, grace_ns: int | None
    ) -> tuple[str, ...]:
        loop = asyncio.get_running_loop()
        idle: asyncio.Future[None] = loop.create_future()
        self._engine.close(lambda: wake(loop, idle))
        if cancel:
            self._engine.cancel_all()
        try:
            if timeout_ns is not None:
                await asyncio.wait([idle], timeout=timeout_ns / 1e9)
                self._engine.cancel_all()
            if cancel or timeout_ns is not None:
                await asyncio.wait([idle], timeout=_seconds(grace_ns))
                self._engine.leave_running()
            await idle
        except asyncio.CancelledError:
            self._engine.cancel_all()
            raise
        finally:
            self._engine.stop()
            stuck = await asyncio.to_thread(self._engine.join, _seconds(grace_ns))
            await asyncio.to_thread(self._end_children)
        return stuck

    def _end_children(self) -> None:
        """Units in processes of their own: another runtime starts them anew."""
        for unit in self.units:
            if unit.isolation is not None and isinstance(unit.backend, Releasing):
                unit.backend.release()


def _seconds(duration: int | None) -> float | None:
    return None if duration is None else duration / 1e9
