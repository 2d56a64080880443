"""The threads: one worker per unit, and callers that run an idle unit's stage themselves.

A thread that has finished a stage asks the dispatcher, under one short lock, what comes next for
its unit and goes on with that; other units' workers are woken only for what they must start. Who
waits for a request hears of it once, when it has ended.
"""

import os
import queue
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import TypeAlias, TypeVar

from hetsched.errors import RunError
from hetsched.runtime.dispatch import (
    Cancelled,
    Deployed,
    Dispatcher,
    Event,
    Finish,
    StageDone,
    StageFailed,
    StageNode,
    Start,
    Submitted,
)
from hetsched.runtime.request import Request
from hetsched.runtime.units import RuntimeUnit

T = TypeVar("T")
_Task: TypeAlias = tuple[Request, Start]
_Item: TypeAlias = _Task | Callable[[], None] | None


@dataclass(slots=True)
class _Todo:
    """What the dispatcher's actions ask for, to be done outside the lock."""

    starts: list[_Task] = field(default_factory=list)
    ended: list[Request] = field(default_factory=list)
    idle: Callable[[], None] | None = None


class Engine:
    """Dispatcher, lock and workers; knows nothing of asyncio.

    Args:
        units: what there is to run on.
    """

    def __init__(self, units: Sequence[RuntimeUnit]) -> None:
        self.units = tuple(units)
        self._lock = threading.Lock()
        # Everything from here to the mailboxes is touched under the lock only.
        self._dispatcher = Dispatcher(len(self.units))
        self._requests: dict[int, Request] = {}
        self._next_request = 0
        self._next_app = 0
        self._closing = False
        self._on_idle: Callable[[], None] | None = None
        self._mailboxes: list[queue.SimpleQueue[_Item]] = [queue.SimpleQueue() for _ in self.units]
        self._threads = [
            threading.Thread(target=self._work, args=(index,), name=f"hetsched-{unit.name}")
            for index, unit in enumerate(self.units)
        ]

    def start(self) -> None:
        """Start the workers."""
        for thread in self._threads:
            thread.start()

    def on_worker(self, unit: int, work: Callable[[], T]) -> "Future[T]":
        """Have a unit's worker do something between two stages.

        Raises:
            RunError: when the runtime is closed.
        """
        future: Future[T] = Future()

        def do() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                future.set_result(work())
            except BaseException as error:  # noqa: BLE001 - it belongs to whoever waits for the future
                future.set_exception(error)

        with self._lock:
            self._refuse_when_closing()
            self._mailboxes[unit].put(do)
        return future

    def deploy(self, nodes: tuple[StageNode, ...]) -> int:
        """Make an app's stages known to the dispatcher; the app's number comes back.

        Raises:
            RunError: when the runtime is closed.
        """
        with self._lock:
            self._refuse_when_closing()
            app = self._next_app
            self._next_app += 1
            self._feed(Deployed(app=app, stages=nodes))
        return app

    def submit(self, request: Request) -> None:
        """Hand a request to the workers.

        Raises:
            RunError: when the runtime is closed.
        """
        self._carry_out(self._admit(request))

    def run(self, request: Request) -> None:
        """Submit a request, and run its stages on the calling thread where their units are idle.

        Comes back when there is nothing to do for this thread; the request may go on elsewhere.

        Raises:
            RunError: when the runtime is closed.
        """
        task = self._carry_out(self._admit(request), caller=request)
        while task is not None:
            task = self._carry_out(self._execute(task, is_caller=True), caller=request)

    def cancel(self, request: Request) -> None:
        """Nobody waits for it any more: none of its stages is started from now on."""
        with self._lock:
            todo = self._feed(Cancelled(request=request.number))
        self._carry_out(todo)

    def cancel_all(self) -> None:
        """Cancel every request that hasn't ended."""
        with self._lock:
            requests = list(self._requests.values())
        for request in requests:
            self.cancel(request)

    def close(self, on_idle: Callable[[], None]) -> None:
        """Refuse new requests; call back once, from any thread, when nothing runs any more."""
        with self._lock:
            self._closing = True
            self._on_idle = on_idle
            todo = _Todo(idle=self._idle_call())
        self._carry_out(todo)

    def stop(self) -> None:
        """Let each worker's thread end after what it has been given."""
        for mailbox in self._mailboxes:
            mailbox.put(None)

    def join(self) -> None:
        """Wait for the workers' threads to end."""
        for thread in self._threads:
            thread.join()

    def _refuse_when_closing(self) -> None:
        if self._closing:
            raise RunError("the runtime is closed: it takes no new requests or apps")

    def _admit(self, request: Request) -> _Todo:
        with self._lock:
            self._refuse_when_closing()
            request.number = self._next_request
            self._next_request += 1
            self._requests[request.number] = request
            return self._feed(Submitted(request=request.number, app=request.program.app))

    def _feed(self, event: Event) -> _Todo:
        """Tell the dispatcher, note what has ended. Under the lock."""
        todo = _Todo()
        for action in self._dispatcher.handle(event):
            if isinstance(action, Start):
                todo.starts.append((self._requests[action.request], action))
            else:
                todo.ended.append(self._forget(action))
        if self._closing:
            todo.idle = self._idle_call()
        return todo

    def _forget(self, finish: Finish) -> Request:
        request = self._requests.pop(finish.request)
        request.end(finish.status)
        return request

    def _idle_call(self) -> Callable[[], None] | None:
        if not self._dispatcher.is_idle:
            return None
        call, self._on_idle = self._on_idle, None
        return call

    def _carry_out(
        self, todo: _Todo, *, worker: int | None = None, caller: Request | None = None
    ) -> _Task | None:
        """Wake whom it concerns; what the calling thread is to run itself comes back.

        Args:
            todo: what there is to do.
            worker: the calling thread is this unit's worker: it runs what starts there.
            caller: the calling thread waits for this request: it runs one of its stages.
        """
        own = None
        for task in todo.starts:
            request, start = task
            if own is None and (start.unit == worker or request is caller):
                own = task
            else:
                self._mailboxes[start.unit].put(task)
        for request in todo.ended:
            request.notify()
        if todo.idle is not None:
            todo.idle()
        return own

    def _execute(self, task: _Task, *, is_caller: bool = False) -> _Todo:
        request, start = task
        unit, number, stage = start.unit, start.request, start.stage
        if request.status is not None:  # ended since the dispatcher decided
            with self._lock:
                return self._feed(StageDone(unit=unit, request=number, stage=stage))
        try:
            made = request.execute(stage)
        except RunError as error:
            with self._lock:
                request.fail(error)
                return self._feed(StageFailed(unit=unit, request=number, stage=stage))
        except BaseException as error:  # whatever it is, the unit must be free again
            name, kind = request.program.name, type(error).__name__
            with self._lock:
                request.fail(RunError(f"a request of app {name!r} was interrupted: {kind}"))
                todo = self._feed(StageFailed(unit=unit, request=number, stage=stage))
            if not is_caller:
                return todo
            self._carry_out(todo)
            raise
        with self._lock:
            request.fill(stage, made)
            return self._feed(StageDone(unit=unit, request=number, stage=stage))

    def _work(self, unit: int) -> None:
        """A worker's thread: what its mailbox brings, and what follows from it on the same unit."""
        cores = self.units[unit].cores
        if cores is not None:
            os.sched_setaffinity(0, cores)  # of this thread
        while (item := self._mailboxes[unit].get()) is not None:
            if callable(item):
                item()
                continue
            task: _Task | None = item
            while task is not None:
                task = self._carry_out(self._execute(task), worker=unit)
            del item
