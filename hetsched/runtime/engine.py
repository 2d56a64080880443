"""The threads: one worker per unit, and callers that run an idle unit's stage themselves.

A thread that has finished a stage asks the dispatcher, under one short lock, what comes next for
its unit and goes on with that; other units' workers are woken only for what they must start. Who
waits for a request hears of it once, when it has ended.
"""

import logging
import os
import queue
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from functools import partial
from typing import TypeAlias, TypeVar

from hetsched.dispatch import (
    FINISH,
    START,
    STATUSES,
    Action,
    Policy,
    StageNode,
    Terms,
    deploy,
    make_dispatcher,
)
from hetsched.errors import RunError
from hetsched.runtime.alarm import Alarm
from hetsched.runtime.learning import Learned
from hetsched.runtime.request import Program, Request
from hetsched.runtime.seen import Seen
from hetsched.runtime.snapshot import UnitSnapshot
from hetsched.runtime.units import RuntimeUnit
from hetsched.trace.recording import Recording

T = TypeVar("T")
_log = logging.getLogger(__name__)


TIMELESS = ("fifo", "priority", "edf")
"""Policies that don't look at how long stages take."""


class RetiredError(RunError):
    """The request is for a program that another one has replaced."""


_Task: TypeAlias = tuple[int, Request, int]
"""A stage that must run: unit, request, stage."""
_Item: TypeAlias = _Task | Callable[[], None] | None
_Todo: TypeAlias = tuple[list[_Task], list[Request], Callable[[], None] | None]
"""What the dispatcher's actions ask for, to be done outside the lock: what must start, what has
ended, and whom to tell that nothing runs any more."""


class Engine:
    """Dispatcher, lock and workers; knows nothing of asyncio.

    Args:
        units: what there is to run on.
        policy: which ready stage a free unit takes.

    Raises:
        RunError: naming a policy that doesn't exist.
    """

    def __init__(self, units: Sequence[RuntimeUnit], policy: Policy = "fifo") -> None:
        self.units = tuple(units)
        self._lock = threading.Lock()
        # Everything from here to the mailboxes is touched under the lock only.
        self._dispatcher = make_dispatcher(len(self.units), policy)
        self._asks_policy = callable(policy)
        self._weighs_times = policy not in TIMELESS
        self._requests: dict[int, Request] = {}
        self._retired: set[int] = set()
        self.seen = Seen(len(self.units))
        self._closing = False
        self._on_idle: Callable[[], None] | None = None
        self._mailboxes: list[queue.SimpleQueue[_Item]] = [queue.SimpleQueue() for _ in self.units]
        # Only while it is open: each of them refers back to this object.
        self._alarm: Alarm | None = None
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Start the workers."""
        self._alarm = Alarm(self._ring)
        for index, unit in enumerate(self.units):
            name = f"hetsched-{unit.name}"
            self._threads.append(threading.Thread(target=self._work, args=(index,), name=name))
            self._threads[-1].start()

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

    def deploy(self, nodes: tuple[StageNode, ...], terms: Terms, turn: int = -1) -> int:
        """Make an app's stages known to the dispatcher; the app's number comes back.

        Raises:
            RunError: when the runtime is closed.
        """
        with self._lock:
            self._refuse_when_closing()
            return deploy(self._dispatcher, nodes, terms, turn)

    def deployed(self, program: Program, terms: Terms) -> None:
        """The app takes requests from now on."""
        with self._lock:
            self.seen.deployed(program, terms.deadline_ns)

    def trace(self, recording: Recording) -> None:
        """Record what happens from now on."""
        with self._lock:
            self.seen.record(recording)

    def refuse_second_trace(self) -> None:
        """There is one trace at a time.

        Raises:
            RunError: naming the file of the other one.
        """
        self.seen.refuse_second()

    def untrace(self) -> Recording | None:
        """Record no more. What was recorded into must be closed."""
        with self._lock:
            return self.seen.stop()

    def snapshot(self) -> tuple[UnitSnapshot, ...]:
        """The units as they are now."""
        with self._lock:
            return self.seen.units(self.units, self._dispatcher)

    def waiting(self, app: int) -> int:
        """How many of an app's requests have no stage that has started."""
        with self._lock:
            return 0 if app in self._retired else self._dispatcher.waiting(app)

    def learner(self, app: int, nodes: Sequence[StageNode], terms: Terms) -> Learned | None:
        """What learns the times of an app's stages, where decisions depend on them."""
        has_choice = any(len(node.units) > 1 for node in nodes)
        if terms.deadline_ns is None and not has_choice and not self._weighs_times:
            return None
        return Learned(partial(self._dispatcher.set_duration, app))

    def retire(self, app: int) -> None:
        """The app takes no more requests; those that it has go on."""
        with self._lock:
            self._retired.add(app)
            self._dispatcher.retire(app)

    def submit(self, request: Request) -> None:
        """Hand a request to the workers.

        Raises:
            RunError: when the runtime is closed.
            RetiredError: when its program was replaced.
        """
        self._carry_out(self._admit(request))

    def run(self, request: Request) -> None:
        """Submit a request, and run its stages on the calling thread where their units are idle.

        Comes back when there is nothing to do for this thread; the request may go on elsewhere.

        Raises:
            RunError: when the runtime is closed.
            RetiredError: when its program was replaced.
        """
        task = self._carry_out(self._admit(request), caller=request)
        if task is not None:
            self._follow(task, caller=request)

    def cancel(self, request: Request) -> None:
        """Nobody waits for it any more: it leaves the queues, none of its stages is started."""
        with self._lock:
            now_ns = time.perf_counter_ns()
            todo = self._note(self._dispatcher.cancel(now_ns, request.number))
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
            todo: _Todo = ([], [], self._idle_call())
        self._carry_out(todo)

    def stop(self) -> None:
        """Let each worker's thread end after what it has been given."""
        if self._alarm is not None:
            self._alarm.stop()
        for mailbox in self._mailboxes:
            mailbox.put(None)

    def join(self) -> None:
        """Wait for the threads to end."""
        for thread in self._threads:
            thread.join()
        self._threads.clear()
        if self._alarm is not None:
            self._alarm.join()
            self._alarm = None

    def _refuse_when_closing(self) -> None:
        if self._closing:
            raise RunError("the runtime is closed: it takes no new requests or apps")

    def _admit(self, request: Request) -> _Todo:
        with self._lock:
            self._refuse_when_closing()
            if request.program.app in self._retired:
                raise RetiredError(f"app {request.program.name!r} runs another plan by now")
            request.program.tally.requests += 1
            request.number, actions = self._dispatcher.submit(
                time.perf_counter_ns(), request.program.app, request.deadline_ns
            )
            self._requests[request.number] = request
            if self.seen.recorder is not None:
                self.seen.submitted(request)
            return self._note(actions)

    def _ring(self) -> None:
        """On the alarm's thread: the time has come that the dispatcher asked for."""
        with self._lock:
            todo = self._note(self._dispatcher.timer(time.perf_counter_ns()))
        self._carry_out(todo)

    def _note(self, actions: Sequence[Action]) -> _Todo:
        """What the dispatcher wants, in this runtime's objects. Under the lock."""
        starts: list[_Task] = []
        ended: list[Request] = []
        for kind, unit, number, what in actions:
            if kind == START:
                starts.append((unit, self._requests[number], what))
            elif kind == FINISH:
                ended.append(self._forget(number, what))
            elif self._alarm is not None:
                self._alarm.set(number)
        if self._asks_policy and (error := self._dispatcher.take_error()):
            _log.error("the policy failed, the oldest request was served instead: %s", error)
        return starts, ended, self._idle_call() if self._closing else None

    def _forget(self, number: int, status: int) -> Request:
        request = self._requests.pop(number)
        request.end(STATUSES[status])
        if self.seen.recorder is not None:
            self.seen.finished(request)
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
        starts, ended, idle = todo
        own = None
        for task in starts:
            unit, request, _ = task
            if own is None and (unit == worker or request is caller):
                own = task
            else:
                self._mailboxes[unit].put(task)
        for request in ended:
            request.notify()
        if idle is not None:
            idle()
        return own

    def _follow(
        self, first: _Task, *, worker: int | None = None, caller: Request | None = None
    ) -> None:
        """Run a stage, and what follows from it for this thread; see `_carry_out`."""
        task: _Task | None = first
        while task is not None:
            unit, request, stage = task
            try:
                if request.status is None:  # else it has ended since the dispatcher decided
                    if self.seen.recorder is not None:
                        self.seen.started(unit, request, stage)
                    self.seen.meters[unit].task = task
                    request.execute(stage, unit)
            except RunError as error:
                todo = self._failed(task, error)
            except BaseException as error:  # whatever it is, the unit must be free again
                todo = self._interrupted(task, error)
                if caller is not None:
                    self._carry_out(todo)
                    raise
            else:
                with self._lock:
                    actions = self._done(unit, request, stage)
                    if len(actions) == 1 and not self._asks_policy:
                        kind, next_unit, number, what = actions[0]
                        is_ours = next_unit == worker or request is caller
                        if kind == START and number == request.number and is_ours:
                            task = (next_unit, request, what)
                            continue  # the usual case, for which all below would be cold code
                    todo = self._note(actions)
            task = self._carry_out(todo, worker=worker, caller=caller)

    def _done(self, unit: int, request: Request, stage: int) -> Sequence[Action]:
        """Tell the dispatcher that a stage has ended. Under the lock."""
        program = request.program
        if shared := program.steps[stage].shared:
            request.let_go(shared)
        if took_ns := request.duration_ns(stage):  # else it wasn't run: the request had ended
            self.seen.ended(unit, request, stage, took_ns)
            if program.learned is not None and program.app not in self._retired:
                program.learned.add(stage, unit, took_ns)
        return self._dispatcher.stage_done(time.perf_counter_ns(), unit, request.number, stage)

    def _interrupted(self, task: _Task, error: BaseException) -> _Todo:
        name, kind = task[1].program.name, type(error).__name__
        return self._failed(task, RunError(f"a request of app {name!r} was interrupted: {kind}"))

    def _failed(self, task: _Task, error: RunError) -> _Todo:
        unit, request, stage = task
        with self._lock:
            request.fail(error)
            now_ns = time.perf_counter_ns()
            actions = self._dispatcher.stage_failed(now_ns, unit, request.number, stage)
            is_over = request.status is not None or any(
                kind == FINISH and number == request.number for kind, _, number, _ in actions
            )
            self.seen.failed(unit, request, stage, is_retried=not is_over)
            return self._note(actions)

    def _work(self, unit: int) -> None:
        """A worker's thread: what its mailbox brings, and what follows from it on the same unit."""
        cores = self.units[unit].cores
        if cores is not None:
            os.sched_setaffinity(0, cores)  # of this thread
        while (item := self._mailboxes[unit].get()) is not None:
            if isinstance(item, tuple):
                self._follow(item, worker=unit)
            else:
                item()
            del item
