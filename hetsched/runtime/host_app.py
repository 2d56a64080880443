"""An app with more to a request than its model: host stages before and after it, and state."""

import asyncio
import threading
import time
from collections.abc import AsyncGenerator, AsyncIterable, Iterable, Mapping
from typing import Any, Literal

import numpy as np

from hetsched.dispatch import RequestStatus
from hetsched.errors import DroppedError
from hetsched.ir.graph import Graph
from hetsched.runtime.app import App, Duration, Inputs, Load, Loaded, duration_ns
from hetsched.runtime.engine import Engine
from hetsched.runtime.host_flow import Around, Call, Phases
from hetsched.runtime.host_gate import CancelledRequestError
from hetsched.runtime.host_waits import drive, drive_blocking
from hetsched.runtime.request import Request
from hetsched.runtime.result import Result
from hetsched.runtime.state_stream import StateStream
from hetsched.runtime.tally import Tally


class HostedApp(App):
    """An app with host stages or state; its calls are those of any app.

    Without state, what its requests are called with goes through `pre`, the model and `post`.
    """

    def __init__(self, engine: Engine, loaded: Loaded, load: Load, around: Around) -> None:
        super().__init__(engine, loaded, load)
        self._around = around
        self._total = Tally()
        self._counting = threading.Lock()  # requests come from any thread
        self._phases = Phases(self.name, self, around)

    @property
    def graph(self) -> Graph:
        """The model's, of the plan that runs now."""
        return self._program.graph

    @property
    def tally(self) -> Tally:
        """How many requests came, and how those that ended did so, host stages included."""
        return self._total

    async def __call__(
        self, inputs: Any, *, deadline: Duration = None, timeout: Duration = None
    ) -> Any:
        """What the last host stage gave, or the model's outputs; errors are those of any app."""
        return (await self.through(inputs, deadline, timeout, None)).outputs

    async def request(
        self, inputs: Any, *, deadline: Duration = None, timeout: Duration = None
    ) -> Result:
        """The same with the time of every stage, and whether the deadline was met."""
        return await self.through(inputs, deadline, timeout, None)

    def run(self, inputs: Any, *, deadline: Duration = None, timeout: Duration = None) -> Any:
        """The same without a loop: blocks."""
        return self.through_blocking(inputs, deadline, timeout, None).outputs

    def run_timed(
        self, inputs: Any, *, deadline: Duration = None, timeout: Duration = None
    ) -> Result:
        """`run` with the time of every stage, and whether the deadline was met."""
        return self.through_blocking(inputs, deadline, timeout, None)

    def stream(
        self,
        source: Iterable[Inputs] | AsyncIterable[Inputs],
        *,
        max_in_flight: int = 2,
        drop: Literal["latest"] | None = None,
    ) -> AsyncGenerator[Any, None]:
        """As for any app; where the app has state, the stream has state of its own."""
        if not self._around.state.feeds:
            return super().stream(source, max_in_flight=max_in_flight, drop=drop)
        return self.new_stream().stream(source, max_in_flight=max_in_flight, drop=drop)

    def new_stream(self, initial: Mapping[str, np.ndarray] | None = None) -> StateStream:
        """State of its own for requests that belong together; see `StateStream`.

        Args:
            initial: values before the first request by input; zeros for those left out.

        Raises:
            RunError: when the app has no state, or an initial value doesn't fit it.
        """
        if not self._around.state.feeds:
            return super().new_stream()
        return StateStream(self, self._around.state.start(self.graph, initial))

    async def through(
        self, inputs: Any, deadline: Duration, timeout: Duration, stream: StateStream | None
    ) -> Result:
        """One request, on an event loop."""
        timeout_ns = duration_ns("timeout", timeout)
        call = self._begin(inputs, deadline, stream)
        try:
            async with asyncio.timeout(None if timeout_ns is None else timeout_ns / 1e9):
                result = await drive(self._phases.flow(call))
        except BaseException as error:
            self._end(call, _status_of(error))
            if isinstance(error, TimeoutError):
                raise self._too_slow(timeout_ns) from error
            raise
        self._end(call, result.status)
        return result

    def through_blocking(
        self, inputs: Any, deadline: Duration, timeout: Duration, stream: StateStream | None
    ) -> Result:
        """One request, on the calling thread."""
        timeout_ns = duration_ns("timeout", timeout)
        until_s = None if timeout_ns is None else time.monotonic() + timeout_ns / 1e9
        call = self._begin(inputs, deadline, stream)
        try:
            result = drive_blocking(self._phases.flow(call), until_s)
        except BaseException as error:
            self._end(call, _status_of(error))
            if isinstance(error, TimeoutError):
                raise self._too_slow(timeout_ns) from error
            raise
        self._end(call, result.status)
        return result

    async def for_model(self, inputs: Inputs, deadline_ns: int | None) -> Request:
        """The model's part of a request, on an event loop."""
        return await self._awaited(inputs, deadline_ns, None)

    def for_model_blocking(
        self, inputs: Inputs, deadline_ns: int | None, timeout_ns: int | None
    ) -> Request:
        """The model's part of a request, on the calling thread where a unit is idle."""
        return self._ended(inputs, deadline_ns, timeout_ns)

    def _begin(self, inputs: Any, deadline: Duration, stream: StateStream | None) -> Call:
        given_ns = duration_ns("deadline", deadline) or self._around.terms.deadline_ns
        self._around.gate.enter()
        with self._counting:
            self._total.requests += 1
        now_ns = time.perf_counter_ns()
        return Call(
            value=inputs,
            start_ns=now_ns,
            deadline_ns=None if given_ns is None else now_ns + given_ns,
            stream=stream,
            turn=None if stream is None else stream.turns.take(),
        )

    def _end(self, call: Call, status: RequestStatus) -> None:
        try:
            call.leave()
            if call.ran and self._engine.seen.recorder is not None:
                number = -1 if call.request is None else call.request.number
                self._engine.seen.host_stages(self._program, number, call.ran)
            with self._counting:
                self._total.count_as(status, time.perf_counter_ns() - call.start_ns)
        finally:
            self._around.gate.leave()  # else the runtime would wait for it for ever


def _status_of(error: BaseException) -> RequestStatus:
    if isinstance(error, DroppedError):
        return RequestStatus.DROPPED
    waits_no_more = (
        TimeoutError,
        asyncio.CancelledError,
        CancelledRequestError,
        KeyboardInterrupt,
        GeneratorExit,
    )
    return RequestStatus.CANCELLED if isinstance(error, waits_no_more) else RequestStatus.FAILED
