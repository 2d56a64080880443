"""A request from its first host stage to its last: what comes next. It never waits itself."""

import time
from collections.abc import Generator, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Protocol

import numpy as np

from hetsched.dispatch import RequestStatus, Terms
from hetsched.errors import DroppedError, RunError
from hetsched.ir.graph import Graph
from hetsched.runtime.app import Inputs
from hetsched.runtime.host_gate import CancelledRequestError, Gate
from hetsched.runtime.host_job import Done, Job, StageError
from hetsched.runtime.host_pool import HostPool
from hetsched.runtime.host_process import ProcessDiedError
from hetsched.runtime.host_queue import Expected, HostQueue, late
from hetsched.runtime.host_stage import HostStage
from hetsched.runtime.host_waits import Flow, ForCoroutine, ForFuture, ForJob, RightHere, Wait
from hetsched.runtime.request import Request
from hetsched.runtime.result import Result, StageTime
from hetsched.runtime.seen import HostRun
from hetsched.runtime.state import StateSpec
from hetsched.runtime.state_stream import StateStream
from hetsched.stages.crossing import UnsendableError

HOST = "host"
"""The unit's name in the times of host stages."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """What an app has around its model.

    Attributes:
        pool: runs host stages.
        gate: knows the requests that are under way.
        pre: host stages before the model.
        post: host stages after it.
        state: what its streams hand on.
        terms: of its requests.
    """

    pool: HostPool
    gate: Gate
    pre: tuple[HostStage, ...]
    post: tuple[HostStage, ...]
    state: StateSpec
    terms: Terms

    @property
    def host_stages(self) -> tuple[str, ...]:
        """Ids of its host stages, those before the model first."""
        return tuple(stage.id for stage in (*self.pre, *self.post))


@dataclass(slots=True, kw_only=True)
class Call:
    """One request.

    Attributes:
        value: what it was called with, then what its latest stage gave.
        start_ns: when it was called.
        deadline_ns: by the same clock, None for none.
        stream: whose state it uses; None for nobody's.
        turn: its place in that stream, until it has left it.
        times: of its stages.
        request: the model's part, once it has been asked.
        ran: its host stages, for traces.
    """

    value: Any
    start_ns: int
    deadline_ns: int | None
    stream: StateStream | None
    turn: "Future[None] | None"
    times: list[StageTime] = field(default_factory=list)
    request: Request | None = None
    ran: list[HostRun] = field(default_factory=list)

    def leave(self) -> None:
        """Let the next request of its stream go."""
        if self.stream is not None and self.turn is not None:
            self.stream.turns.leave(self.turn)
            self.turn = None


class ModelPart(Protocol):
    """The model's part of requests: an app."""

    @property
    def graph(self) -> Graph:
        """The model's, of the plan that runs now."""
        ...

    async def for_model(self, inputs: Inputs, deadline_ns: int | None) -> Request:
        """On an event loop."""
        ...

    def for_model_blocking(
        self, inputs: Inputs, deadline_ns: int | None, timeout_ns: int | None
    ) -> Request:
        """On the calling thread where a unit is idle."""
        ...


@dataclass(frozen=True, slots=True)
class ForModel:
    """Wait for the model's part of a request."""

    part: ModelPart
    inputs: Inputs
    deadline_ns: int | None

    async def awaited(self) -> Request:
        """On an event loop."""
        return await self.part.for_model(self.inputs, self.deadline_ns)

    def blocking(self, until_s: float | None) -> Request:
        """On the calling thread."""
        left_ns = None if until_s is None else max(1, round((until_s - time.monotonic()) * 1e9))
        return self.part.for_model_blocking(self.inputs, self.deadline_ns, left_ns)


class Phases:
    """What an app's requests go through.

    Args:
        name: of the app.
        part: the model's part.
        around: what is around it.
    """

    def __init__(self, name: str, part: ModelPart, around: Around) -> None:
        self._name = name
        self._model_part = part
        self._around = around
        self._queue = HostQueue(around.terms, name)
        self._after = Expected()
        self._drops_late = around.terms.deadline_ns is not None and around.terms.late == "drop"

    def flow(self, call: Call) -> Flow:
        """Waits of one request, in turn; its result in the end."""
        around = self._around
        for stage in around.pre:
            yield from self._host(call, stage)
        if call.turn is not None:
            yield from self._watched(call.turn, ForFuture(call.turn))
        model_end_ns = yield from self._model(call)
        for stage in around.post:
            if self._drops_late:
                self._drop_if_late(call)
            yield from self._host(call, stage)
        end_ns = time.perf_counter_ns()
        if around.post or (call.request is not None and call.request.program.tail is not None):
            self._after.add(end_ns - model_end_ns)
        is_late = call.deadline_ns is not None and end_ns > call.deadline_ns
        return Result(
            outputs=call.value,
            status=RequestStatus.MISSED if is_late else RequestStatus.COMPLETED,
            latency_ns=end_ns - call.start_ns,
            stages=tuple(call.times),
        )

    def _model(self, call: Call) -> Generator[Wait, Any, int]:
        """The model's part, on units and then on the pool; when the units had ended it."""
        inputs = self._inputs(call)
        start_ns = time.perf_counter_ns()
        try:
            left_ns = self._left_ns(call, start_ns)
            request: Request = yield ForModel(self._model_part, inputs, left_ns)
            call.request = request
            if request.status is RequestStatus.CANCELLED:
                raise CancelledRequestError(
                    f"a request of app {self._name!r} was cancelled: it has no result"
                )
            result = request.result()
        except DroppedError:
            self._after.shrink()
            raise
        shift_ns = start_ns - call.start_ns
        call.times.extend(_shifted(time_, shift_ns) for time_ in result.stages)
        call.value = result.outputs
        end_ns = time.perf_counter_ns()
        if request.program.tail is not None:
            if self._drops_late:
                self._drop_if_late(call)
            yield from self._host(call, request.program.tail)
        if call.stream is not None:
            call.value, call.stream.values = self._around.state.split(call.value)
            call.leave()
        return end_ns

    def _inputs(self, call: Call) -> Any:
        """What the model gets."""
        value, graph = call.value, self._model_part.graph
        state = {} if call.stream is None else call.stream.values
        if self._around.pre and isinstance(value, np.ndarray):
            free = [name for name in graph.inputs if name not in state]
            if len(free) == 1:
                value = {free[0]: value}
        if not isinstance(value, Mapping):
            who = self._around.pre[-1] if self._around.pre else f"app {self._name!r}"
            what = "gave" if self._around.pre else "was called with"
            raise RunError(
                f"{who} {what} a {type(value).__name__}: the model takes arrays by input name"
            )
        if taken := sorted(state.keys() & value.keys()):
            raise RunError(
                f"input {taken[0]!r} of app {self._name!r} is state: its stream feeds it back"
            )
        if call.stream is None and self._around.state.feeds:
            self._refuse_without_state(value)
        return {**value, **state} if state else value

    def _refuse_without_state(self, value: Mapping[str, Any]) -> None:
        for name in self._around.state.feeds.values():
            if name not in value:
                raise RunError(
                    f"input {name!r} of app {self._name!r} is state: call one of its streams, "
                    "app.new_stream(), or give it"
                )

    def _left_ns(self, call: Call, now_ns: int) -> int | None:
        """What the model may take, so that there is time for what comes after it."""
        if call.deadline_ns is None:
            return None
        if self._drops_late:
            self._drop_if_late(call)
        return max(1, call.deadline_ns - now_ns - self._after.average_ns)

    def _drop_if_late(self, call: Call) -> None:
        if call.deadline_ns is not None and time.perf_counter_ns() >= call.deadline_ns:
            raise late(self._name)

    def _host(self, call: Call, stage: HostStage) -> Generator[Wait, Any, None]:
        asked_ns = time.perf_counter_ns()
        try:
            if stage.where == "loop":
                done = yield from self._on_loop(call, stage)
            else:
                done = yield from self._in_pool(call, stage)
        except (StageError, ProcessDiedError, UnsendableError) as error:
            call.ran.append((stage.number, asked_ns, time.perf_counter_ns(), True))
            raise RunError(f"{stage} failed: {error}") from error
        call.value = done.value
        call.ran.append((stage.number, done.start_ns, done.end_ns, False))
        call.times.append(
            StageTime(
                id=stage.id,
                planned_unit=HOST,
                unit=HOST,
                backend=stage.where,
                start_ns=done.start_ns - call.start_ns,
                end_ns=done.end_ns - call.start_ns,
            )
        )

    def _on_loop(self, call: Call, stage: HostStage) -> Generator[Wait, Any, Done]:
        work = partial(stage.call, call.value)
        if not stage.is_async:
            here: Done = yield RightHere(work)
            return here
        stop: Future[Any] = Future()
        done: Done = yield from self._watched(stop, ForCoroutine(work, stop))
        return done

    def _in_pool(self, call: Call, stage: HostStage) -> Generator[Wait, Any, Done]:
        job = Job(stage.key, stage.call, call.value, call.deadline_ns)
        if stage.number == 0 and self._around.pre:
            self._queue.admit(job)
        self._around.pool.lane(stage.where).submit(job)
        expires_ns = call.deadline_ns if self._drops_late else None
        wait = ForJob(job, expires_ns, self._name)
        done: Done = yield from self._watched(job.future, wait)
        return done

    def _watched(self, future: "Future[Any]", wait: Wait) -> Generator[Wait, Any, Any]:
        self._around.gate.watch(future, self._name)
        try:
            return (yield wait)
        finally:
            self._around.gate.unwatch(future)


def _shifted(time_: StageTime, shift_ns: int) -> StageTime:
    return replace(time_, start_ns=time_.start_ns + shift_ns, end_ns=time_.end_ns + shift_ns)
