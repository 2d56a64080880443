"""Who runs what: dispatcher, lock and threads; callers run an idle unit's stage themselves.

A thread that has finished a stage asks the dispatcher, under one short lock, what comes next for
its unit and goes on with that; other units' workers are woken only for what they must start. Who
waits for a request hears of it once, when it has ended. What a failing stage or unit leads to is
decided by the ward, under the same lock.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from functools import partial
from typing import TypeVar

from hetsched.dispatch import (
    FINISH,
    START,
    STATUSES,
    Action,
    Policy,
    RequestStatus,
    StageNode,
    Terms,
    deploy,
    make_dispatcher,
)
from hetsched.errors import BackendError, RunError
from hetsched.logs import fields
from hetsched.runtime.alarm import Alarm
from hetsched.runtime.faults import DEFAULTS, FaultEvent, Faults
from hetsched.runtime.learning import Learned
from hetsched.runtime.recovery import CANCELLED, Recovery, Todo
from hetsched.runtime.request import Program, Ran, Request
from hetsched.runtime.seen import Seen
from hetsched.runtime.snapshot import UnitSnapshot
from hetsched.runtime.storms import MANY, Storm
from hetsched.runtime.units import RuntimeUnit
from hetsched.runtime.ward import Task, Ward
from hetsched.runtime.workers import Job, Workers
from hetsched.trace.recording import Recording

T = TypeVar("T")
_log = logging.getLogger(__name__)


TIMELESS = ("fifo", "priority", "edf")
"""Policies that don't look at how long stages take."""


class RetiredError(RunError):
    """The request is for a program that another one has replaced."""


class Engine(Recovery):
    """Dispatcher, lock and workers; knows nothing of asyncio.

    Args:
        units: what there is to run on.
        policy: which ready stage a free unit takes.
        faults: how failing units are dealt with.

    Raises:
        RunError: naming a policy that doesn't exist.
    """

    def __init__(
        self,
        units: Sequence[RuntimeUnit],
        policy: Policy = "fifo",
        faults: Faults = DEFAULTS,
    ) -> None:
        self.units = tuple(units)
        self._lock = threading.Lock()
        # Everything from here to the workers is touched under the lock only.
        self._dispatcher = make_dispatcher(len(self.units), policy)
        self._asks_policy = callable(policy)
        self._weighs_times = policy not in TIMELESS
        self._requests: dict[int, Request] = {}
        self._retired: set[int] = set()
        self.seen = Seen([unit.name for unit in units])
        self._storms: dict[str, Storm] = {}
        self._closing = False
        self._on_idle: Callable[[], None] | None = None
        # What each unit was last told to run, until the answer: another answer comes too late.
        self._awaited: list[Task | None] = [None] * len(self.units)
        self._ward = Ward(
            [unit.name for unit in units],
            [hasattr(unit.backend, "kill") for unit in units],
            self._dispatcher,
            self._requests,
            faults,
        )
        self._gone = self._ward.gone  # the same set
        self._nobody_looks = True
        self._look_ns: int | None = None
        self._workers = Workers(self.units, lambda task, unit: self._follow(task, worker=unit))
        self.listeners: list[Callable[[FaultEvent], None]] = []
        # Only while it is open: each of them refers back to this object.
        self._alarm: Alarm | None = None
        self._rounds: Alarm | None = None

    def start(self) -> None:
        """Start the workers."""
        self._alarm = Alarm(self._ring)
        self._rounds = Alarm(self._go_round, name="hetsched-ward")
        self._workers.start()

    def on_worker(self, unit: int, work: Callable[[], T]) -> "Future[T]":
        """Have a unit's worker do something between two stages.

        Raises:
            RunError: when the runtime is closed.
            BackendError: when the unit hangs.
        """
        job = Job(work)
        with self._lock:
            self._refuse_when_closing()
            if self._ward.is_stuck(unit):
                state = self._ward.states()[unit]
                raise BackendError(f"unit {state.name!r} can't do anything now: {state.reason}")
            self._workers.mailboxes[unit].put(job)
        return job.future

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
            return self.seen.units(self.units, self._dispatcher, self._awaited, self._ward.states())

    def waiting(self, app: int) -> int:
        """How many of an app's requests have no stage that has started."""
        with self._lock:
            return 0 if app in self._retired else self._dispatcher.waiting(app)

    def learner(
        self, app: int, nodes: Sequence[StageNode], terms: Terms, *, is_wanted: bool = False
    ) -> Learned | None:
        """What learns the times of an app's stages, where wanted or decisions depend on them."""
        has_choice = any(len(node.units) > 1 for node in nodes)
        is_needed = terms.deadline_ns is not None or has_choice or self._weighs_times
        if not is_needed and not is_wanted:
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
        task, todo = self._admit(request)
        if todo is not None:
            self._carry_out(todo)
        elif task is not None:
            self._workers.mailboxes[task[0]].put(task)

    def run(self, request: Request) -> None:
        """Submit a request, and run its stages on the calling thread where their units are idle.

        Comes back when there is nothing to do for this thread; the request may go on elsewhere.

        Raises:
            RunError: when the runtime is closed.
            RetiredError: when its program was replaced.
        """
        first, todo = self._admit(request)
        task = first if todo is None else self._carry_out(todo, caller=request)
        if task is not None:
            self._follow(task, caller=request)

    def cancel(self, request: Request) -> None:
        """Nobody waits for it any more: it leaves the queues, none of its stages is started."""
        with self._lock:
            now_ns = time.perf_counter_ns()
            if request.is_lost:  # the dispatcher has forgotten it
                request.is_lost = False
                todo = self._note([(FINISH, -1, request.number, CANCELLED)])
            else:
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
            todo = self._note(())
        self._carry_out(todo)

    def stop(self) -> None:
        """Let each worker's thread end after what it has been given."""
        for alarm in (self._alarm, self._rounds):
            if alarm is not None:
                alarm.stop()
        self._workers.stop()

    def join(self, grace_s: float | None = None) -> tuple[str, ...]:
        """Wait for the threads to end, so long at most; the units whose threads didn't come back.

        What those were to do beside stages is refused.
        """
        stuck = self._workers.join(grace_s)
        for index, unit in enumerate(self.units):
            if unit.name in stuck:
                error = BackendError(f"unit {unit.name!r} hung when the runtime was closed")
                for job in self._workers.take_jobs(index):
                    job.refuse(error)
        for alarm in (self._alarm, self._rounds):
            if alarm is not None:
                alarm.join()
        self._alarm = self._rounds = None
        return stuck

    def _refuse_when_closing(self) -> None:
        if self._closing:
            raise RunError("the runtime is closed: it takes no new requests or apps")

    def _admit(self, request: Request) -> tuple[Task, None] | tuple[None, Todo]:
        """What there is to do: as in most cases one of its own stages to start, or more."""
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
            if len(actions) == 1 and not (self._asks_policy or self._gone):
                kind, unit, number, what = actions[0]
                if kind == START and number == request.number:
                    task = self._awaited[unit] = (unit, request, what)
                    return task, None
            return None, self._note(actions)

    def _ring(self) -> None:
        """On the alarm's thread: the time has come that the dispatcher asked for."""
        with self._lock:
            todo = self._note(self._dispatcher.timer(time.perf_counter_ns()))
        self._carry_out(todo)

    def _note(self, actions: Sequence[Action], now_ns: int | None = None) -> Todo:
        """What the dispatcher wants, in this runtime's objects. Under the lock.

        Given the time, the ward is asked what else there is to do, and when to come to it again.
        """
        revivals: Sequence[int] = ()
        if now_ns is not None:
            more, revivals, due_ns = self._ward.attend(now_ns)
            actions = [*actions, *more]
            if self._closing and not self._requests:
                revivals = ()  # nobody needs the unit any more
            dues = [at for at in (due_ns, self._look_ns) if at is not None]
            if dues and self._rounds is not None:
                self._rounds.set(min(dues))
        if self._gone:
            actions = self._ward.refused(time.perf_counter_ns(), actions)
        starts: list[Task] = []
        ended: list[Request] = []
        for kind, unit, number, what in actions:
            if kind == START:
                task = self._awaited[unit] = (unit, self._requests[number], what)
                starts.append(task)
            elif kind == FINISH:
                ended.append(self._forget(number, what))
            elif self._alarm is not None:
                self._alarm.set(number)
        if self._asks_policy and (error := self._dispatcher.take_error()):
            _log.error(
                "the policy failed, the oldest request was served instead: %s",
                error,
                extra=fields("policy-failed", reason=error),
            )
        events: Sequence[FaultEvent] = ()
        if self._ward.events:
            events = tuple(self._ward.events)
            self._ward.events.clear()
            for event in events:
                self.seen.fault(event)
        return Todo(starts, ended, self._idle_call() if self._closing else None, events, revivals)

    def _forget(self, number: int, status: int) -> Request:
        request = self._requests.pop(number)
        request.end(STATUSES[status])
        if request.status is RequestStatus.DROPPED:
            self._note_drop(request.program)
        if self.seen.recorder is not None:
            self.seen.finished(request)
        return request

    def _note_drop(self, program: Program) -> None:
        """Times that keep every request out are doubted; many drops are told. Under the lock."""
        if program.learned is not None and program.app not in self._retired:
            program.learned.dropped()
        now_ns = time.perf_counter_ns()
        if self._storms.setdefault(program.name, Storm()).dropped(now_ns):
            reason = f"{MANY} requests or more were dropped within a second"
            event = FaultEvent(kind="drop-storm", time_ns=now_ns, app=program.name, reason=reason)
            self._ward.events.append(event)

    def _idle_call(self) -> Callable[[], None] | None:
        if not self._dispatcher.is_idle:
            return None
        call, self._on_idle = self._on_idle, None
        return call

    def _carry_out(
        self, todo: Todo, *, worker: int | None = None, caller: Request | None = None
    ) -> Task | None:
        """Wake whom it concerns; what the calling thread is to run itself comes back.

        Args:
            todo: what there is to do.
            worker: the calling thread is this unit's worker: it runs what starts there.
            caller: the calling thread waits for this request: it runs one of its stages.
        """
        own = None
        for task in todo.starts:
            unit, request, _ = task
            if own is None and (unit == worker or request is caller):
                own = task
            else:
                self._workers.mailboxes[unit].put(task)
        for event in todo.events:
            self.tell(event)
        for request in todo.ended:
            request.notify()
        for unit in todo.revivals:
            self._workers.mailboxes[unit].put(Job(partial(self._revive, unit)))
        if todo.idle is not None:
            todo.idle()
        return own

    def _follow(
        self, first: Task, *, worker: int | None = None, caller: Request | None = None
    ) -> None:
        """Run a stage, and what follows from it for this thread; see `_carry_out`."""
        task: Task | None = first
        ended: Request | None = None
        while task is not None:
            unit, request, stage = task
            if self._nobody_looks and request.program.watchdog != "off":
                self._watch()
            ran = None
            try:
                # Else it has ended, or this isn't awaited any more, since the dispatcher decided.
                if request.status is None and self._awaited[unit] is task:
                    ran = request.execute(stage, unit)
            except RunError as error:
                todo = self._failed(task, error)
            except BaseException as error:  # whatever it is, the unit must be free again
                todo = self._interrupted(task, error)
                if caller is not None:
                    self._carry_out(todo)
                    raise
            else:
                with self._lock:
                    if self._awaited[unit] is not task:
                        todo = self._came_back(task, None)
                    else:
                        actions = self._done(task, ran)
                        if len(actions) == 1 and not (self._asks_policy or self._gone):
                            # The usual cases, for which all below would be cold code.
                            kind, next_unit, number, what = actions[0]
                            is_ours = next_unit == worker or request is caller
                            if kind == START and number == request.number and is_ours:
                                task = self._awaited[next_unit] = (next_unit, request, what)
                                continue
                            if kind == FINISH and number == request.number and not self._closing:
                                ended = self._forget(number, what)
                                break
                        todo = self._note(actions)
            task = self._carry_out(todo, worker=worker, caller=caller)
        if ended is not None:
            ended.notify()

    def _done(self, task: Task, ran: Ran | None) -> Sequence[Action]:
        """Keep what a stage made, and tell the dispatcher that it has ended. Under the lock."""
        unit, request, stage = task
        self._awaited[unit] = None
        if ran is not None:
            request.take(stage, unit, ran)
            program = request.program
            took_ns = ran.end_ns - ran.start_ns
            self.seen.ended(unit, request, stage, took_ns)
            if took_ns > program.longest_ns[stage]:
                program.longest_ns[stage] = took_ns
            if program.learned is not None and program.app not in self._retired:
                program.learned.add(stage, unit, took_ns)
            if self._ward.is_troubled:
                self._ward.ended_well(unit)
        now_ns = time.perf_counter_ns()
        actions = self._dispatcher.stage_done(now_ns, unit, request.number, stage)
        return [*actions, *self._again(now_ns, request)] if request.is_lost else actions
