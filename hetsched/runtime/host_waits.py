"""What a request waits for: each wait can be awaited on an event loop, or block.

A flow is a generator of waits; it decides what comes next and never waits itself.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Generator
from concurrent.futures import Future
from concurrent.futures import wait as wait_for
from dataclasses import dataclass
from typing import Any, Protocol

from hetsched.errors import RunError
from hetsched.runtime.host_job import Done, Job, StageError
from hetsched.runtime.host_queue import late
from hetsched.runtime.result import Result


class Wait(Protocol):
    """Something that takes time; both ways give the same."""

    def awaited(self) -> Awaitable[Any]:
        """On an event loop."""
        ...

    def blocking(self, until_s: float | None) -> Any:
        """On the calling thread, until that `time.monotonic` at most.

        Raises:
            TimeoutError: when it took longer.
        """
        ...


Flow = Generator[Wait, Any, Result]


async def drive(flow: Flow) -> Result:
    """Await what a flow waits for, one after the other."""
    try:
        wait = next(flow)
        while True:
            try:
                found = await wait.awaited()
            except BaseException as error:  # noqa: BLE001 - the flow decides what becomes of it
                wait = flow.throw(error)
            else:
                wait = flow.send(found)
    except StopIteration as end:
        result: Result = end.value
        return result


def drive_blocking(flow: Flow, until_s: float | None) -> Result:
    """Block for what a flow waits for, one after the other."""
    try:
        wait = next(flow)
        while True:
            try:
                found = wait.blocking(until_s)
            except BaseException as error:  # noqa: BLE001 - the flow decides what becomes of it
                wait = flow.throw(error)
            else:
                wait = flow.send(found)
    except StopIteration as end:
        result: Result = end.value
        return result


@dataclass(frozen=True, slots=True)
class ForFuture:
    """Wait for another thread's answer."""

    future: "Future[Any]"

    async def awaited(self) -> Any:
        """On an event loop."""
        if self.future.done():
            return self.future.result()
        return await asyncio.wrap_future(self.future)

    def blocking(self, until_s: float | None) -> Any:
        """On the calling thread."""
        return self.future.result(None if until_s is None else max(0, until_s - time.monotonic()))


@dataclass(frozen=True, slots=True)
class ForJob:
    """Wait for a host stage that another thread or process runs.

    Attributes:
        job: the call.
        expires_ns: by `time.perf_counter_ns`, when it is dropped if it hasn't been started; None
            for never.
        app: for the message.
    """

    job: Job
    expires_ns: int | None
    app: str

    async def awaited(self) -> Done:
        """On an event loop."""
        if self.expires_ns is None:
            return await asyncio.wrap_future(self.job.future)
        left_s = (self.expires_ns - time.perf_counter_ns()) / 1e9
        alarm = asyncio.get_running_loop().call_later(left_s, self._expire)
        try:
            return await asyncio.wrap_future(self.job.future)
        finally:
            alarm.cancel()

    def blocking(self, until_s: float | None) -> Done:
        """On the calling thread."""
        try:
            if self.expires_ns is not None:
                left_s = (self.expires_ns - time.perf_counter_ns()) / 1e9
                wait_for((self.job.future,), max(0, _sooner(left_s, until_s)))
                if time.perf_counter_ns() >= self.expires_ns:
                    self._expire()
            done: Done = ForFuture(self.job.future).blocking(until_s)
            return done
        except BaseException:
            self.job.future.cancel()
            raise

    def _expire(self) -> None:
        if not self.job.has_started:
            self.job.fail(late(self.app))


def _sooner(left_s: float, until_s: float | None) -> float:
    return left_s if until_s is None else min(left_s, until_s - time.monotonic())


@dataclass(frozen=True, slots=True)
class ForCoroutine:
    """Run an async host stage on the event loop, until it is done or stopped.

    Attributes:
        call: gives what is awaited.
        stop: fails when it is to end.
    """

    call: Callable[[], Awaitable[Any]]
    stop: "Future[Any]"

    async def awaited(self) -> Done:
        """On an event loop."""
        start_ns = time.perf_counter_ns()
        work = asyncio.ensure_future(self.call())
        stop = asyncio.wrap_future(self.stop)
        try:
            await asyncio.wait({work, stop}, return_when=asyncio.FIRST_COMPLETED)
            value = _given(work) if work.done() else await stop
        finally:
            stop.cancel()
            if not work.done():
                work.cancel()
                await asyncio.gather(work, return_exceptions=True)
        return Done(value, start_ns, time.perf_counter_ns())

    def blocking(self, until_s: float | None) -> Done:  # noqa: ARG002 - it doesn't wait
        """On the calling thread."""
        raise RunError("it is async and there is no event loop: await the app instead")


def _given(work: "asyncio.Future[Any]") -> Any:
    try:
        return work.result()
    except BaseException as error:
        raise StageError.of(error) from error


@dataclass(frozen=True, slots=True)
class RightHere:
    """Call a host stage on the thread that is here."""

    call: Callable[[], Any]

    async def awaited(self) -> Done:
        """On an event loop."""
        return self.blocking(None)

    def blocking(self, until_s: float | None) -> Done:  # noqa: ARG002 - it can't be left
        """On the calling thread."""
        start_ns = time.perf_counter_ns()
        try:
            value = self.call()
        except Exception as error:
            raise StageError.of(error) from error
        return Done(value, start_ns, time.perf_counter_ns())
