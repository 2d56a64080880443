"""Who runs what: dispatcher, lock and threads; callers run an idle unit's stage themselves.

A thread that has finished a stage asks the dispatcher, under one short lock, what comes next for
its unit and goes on with that; other units' workers are woken only for what they must start. Who
waits for a request hears of it once, when it has ended. What a failing stage or unit leads to is
decided by the ward, under the same lock.
"""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from functools import partial
from typing import TypeVar

from hetsched.dispatch import FINISH, Policy, StageNode, Terms, deploy
from hetsched.errors import BackendError
from hetsched.runtime.alarm import Alarm
from hetsched.runtime.errands import Errands
from hetsched.runtime.faults import DEFAULTS, FaultEvent, Faults, UnitState
from hetsched.runtime.following import Following
from hetsched.runtime.learning import Learned
from hetsched.runtime.program import Program
from hetsched.runtime.recovery import Recovery
from hetsched.runtime.request import Request
from hetsched.runtime.shared import Shared
from hetsched.runtime.snapshot import UnitSnapshot
from hetsched.runtime.todo import CANCELLED, Notes
from hetsched.runtime.units import RuntimeUnit
from hetsched.runtime.workers import Job, Workers
from hetsched.trace.recording import Recording

T = TypeVar("T")


TIMELESS = ("fifo", "priority", "edf")
"""Policies that don't look at how long stages take."""


class Engine:
    """Dispatcher, lock and workers; knows nothing of asyncio.

    Args:
        units: what there is to run on.
        policy: which ready stage a free unit takes.
        faults: how failing units are dealt with.

    Attributes:
        units: the same.
        seen: counters and the trace.
        listeners: called with each fault, on any thread.

    Raises:
        RunError: naming a policy that doesn't exist.
    """

    def __init__(
        self,
        units: Sequence[RuntimeUnit],
        policy: Policy = "fifo",
        faults: Faults = DEFAULTS,
    ) -> None:
        self._shared = shared = Shared(units, policy, faults)
        self.units = shared.units
        self.seen = shared.seen
        self._lock = shared.lock
        self._weighs_times = policy not in TIMELESS
        self._workers = Workers(self.units, lambda task, unit: follow(task, worker=unit))
        self._notes = Notes(shared)
        self._errands = Errands(self._workers, lambda unit: recovery.revive(unit))
        self._recovery = recovery = Recovery(shared, self._notes, self._errands, self._workers)
        self._following = Following(shared, self._notes, self._errands, recovery)
        follow = self._following.follow
        self.listeners = self._errands.listeners

    def start(self) -> None:
        """Start the workers."""
        self._shared.alarm = Alarm(self._ring)
        self._shared.rounds = Alarm(self._recovery.go_round, name="hetsched-ward")
        self._workers.start()

    def on_worker(self, unit: int, work: Callable[[], T]) -> "Future[T]":
        """Have a unit's worker do something between two stages.

        Raises:
            RunError: when the runtime is closed.
            BackendError: when the unit hangs.
        """
        job = Job(work)
        with self._lock:
            self._shared.refuse_when_closing()
            if self._shared.ward.is_stuck(unit):
                state = self._shared.ward.states()[unit]
                raise BackendError(f"unit {state.name!r} can't do anything now: {state.reason}")
            self._workers.mailboxes[unit].put(job)
        return job.future

    def deploy(self, nodes: tuple[StageNode, ...], terms: Terms, turn: int = -1) -> int:
        """Make an app's stages known to the dispatcher; the app's number comes back.

        Raises:
            RunError: when the runtime is closed.
        """
        with self._lock:
            self._shared.refuse_when_closing()
            return deploy(self._shared.dispatcher, nodes, terms, turn)

    def deployed(self, program: Program, terms: Terms) -> None:
        """The app takes requests from now on."""
        with self._lock:
            self.seen.deployed(program, terms.deadline_ns)

    def trace(self, recording: Recording) -> None:
        """Record what happens from now on."""
        with self._lock:
            self.seen.record(recording)
            self._shared.desk.recorder = recording.recorder

    def refuse_second_trace(self) -> None:
        """There is one trace at a time.

        Raises:
            RunError: naming the file of the other one.
        """
        self.seen.refuse_second()

    def untrace(self) -> Recording | None:
        """Record no more. What was recorded into must be closed."""
        with self._lock:
            self._shared.desk.recorder = None
            return self.seen.stop()

    def snapshot(self) -> tuple[UnitSnapshot, ...]:
        """The units as they are now."""
        with self._lock:
            return self.seen.units(
                self.units,
                self._shared.dispatcher,
                self._shared.awaited,
                self._shared.ward.states(),
            )

    def waiting(self, program: Program) -> int:
        """How many of an app's requests have no stage that has started."""
        with self._lock:
            is_retired = program.account.is_retired
            return 0 if is_retired else self._shared.dispatcher.waiting(program.app)

    def learner(
        self, app: int, nodes: Sequence[StageNode], terms: Terms, *, is_wanted: bool = False
    ) -> Learned | None:
        """What learns the times of an app's stages, where wanted or decisions depend on them."""
        has_choice = any(len(node.units) > 1 for node in nodes)
        is_needed = terms.deadline_ns is not None or has_choice or self._weighs_times
        if not is_needed and not is_wanted:
            return None
        return Learned(partial(self._shared.dispatcher.set_duration, app))

    def retire(self, program: Program) -> None:
        """The app takes no more requests; those that it has go on."""
        with self._lock:
            program.account.is_retired = True
            self._shared.dispatcher.retire(program.app)

    def submit(self, request: Request) -> None:
        """Hand a request to the workers.

        Raises:
            RunError: when the runtime is closed.
            RetiredError: when its program was replaced.
        """
        task, todo = self._following.admit(request)
        if todo is not None:
            self._errands.carry_out(todo)
        elif task is not None:
            self._errands.start(task)

    def run(self, request: Request) -> None:
        """Submit a request, and run its stages on the calling thread where their units are idle.

        Comes back when there is nothing to do for this thread; the request may go on elsewhere.

        Raises:
            RunError: when the runtime is closed.
            RetiredError: when its program was replaced.
        """
        first, todo = self._following.admit(request)
        task = first if todo is None else self._errands.carry_out(todo, caller=request)
        if task is not None:
            self._following.follow(task, caller=request)

    def cancel(self, request: Request) -> None:
        """Nobody waits for it any more: it leaves the queues, none of its stages is started."""
        with self._lock:
            now_ns = time.perf_counter_ns()
            if request.is_lost:  # the dispatcher has forgotten it
                request.is_lost = False
                todo = self._notes.note([(FINISH, -1, request.number, CANCELLED)])
            else:
                todo = self._notes.note(self._shared.dispatcher.cancel(now_ns, request.number))
        self._errands.carry_out(todo)

    def cancel_all(self) -> None:
        """Cancel every request that hasn't ended."""
        with self._lock:
            requests = list(self._shared.requests.values())
        for request in requests:
            self.cancel(request)

    def close(self, on_idle: Callable[[], None]) -> None:
        """Refuse new requests; call back once, from any thread, when nothing runs any more."""
        with self._lock:
            self._shared.is_closing = True
            self._shared.on_idle = on_idle
            todo = self._notes.note(())
        self._errands.carry_out(todo)

    def stop(self) -> None:
        """Let each worker's thread end after what it has been given."""
        for alarm in (self._shared.alarm, self._shared.rounds):
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
        for alarm in (self._shared.alarm, self._shared.rounds):
            if alarm is not None:
                alarm.join()
        self._shared.alarm = self._shared.rounds = None
        return stuck

    def leave_running(self) -> None:
        """Take what still runs to hang: the requests end, the threads are left to themselves."""
        self._recovery.leave_running()

    def limit_unknown(self, limit_ns: int) -> None:
        """From now on stages of which nothing is known hang after so long, if any runs at all."""
        self._recovery.limit_unknown(limit_ns)

    def states(self) -> tuple[UnitState, ...]:
        """Every unit as it is now."""
        with self._lock:
            return self._shared.ward.states()

    def retry(self, unit: int) -> None:
        """Try a unit once more that was given up.

        Raises:
            RunError: when its thread is still in the stage that it hung in.
        """
        self._recovery.retry(unit)

    def tell(self, event: FaultEvent) -> None:
        """Log a fault, and pass it on to those who listen."""
        self._errands.tell(event)

    def _ring(self) -> None:
        """On the alarm's thread: the time has come that the dispatcher asked for."""
        with self._lock:
            todo = self._notes.note(self._shared.dispatcher.timer(time.perf_counter_ns()))
        self._errands.carry_out(todo)
