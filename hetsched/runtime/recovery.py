"""What an engine does about faults: who hangs is looked for, who went down is brought back.

What to do is the ward's decision, see there; this is the thin part with threads and the lock.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from hetsched._core import Dispatcher
from hetsched.dispatch import FINISH, STATUSES, Action, RequestStatus
from hetsched.errors import BackendError, RunError, UnitDownError, ValueLostError
from hetsched.logs import EVENTS, fields
from hetsched.runtime.alarm import Alarm
from hetsched.runtime.faults import FaultEvent, UnitState
from hetsched.runtime.request import Request
from hetsched.runtime.seen import Seen
from hetsched.runtime.units import RuntimeUnit
from hetsched.runtime.ward import Task, Ward
from hetsched.runtime.workers import Workers

_log = logging.getLogger(__name__)

CANCELLED: Final = STATUSES.index(RequestStatus.CANCELLED)
FAILED: Final = STATUSES.index(RequestStatus.FAILED)


class Todo(NamedTuple):
    """What was decided under the lock, to be done outside of it.

    Attributes:
        starts: what must run.
        ended: who must be told.
        idle: whom to tell that nothing runs any more.
        events: faults that are to be told.
        revivals: units whose backend must be brought back, on their worker.
    """

    starts: list[Task]
    ended: list[Request]
    idle: Callable[[], None] | None
    events: Sequence[FaultEvent] = ()
    revivals: Sequence[int] = ()


class Recovery:
    """A part of `Engine`; what it shares with the rest is declared here and made there.

    Attributes:
        units: what there is to run on.
        listeners: called with each fault, on any thread.
    """

    units: tuple[RuntimeUnit, ...]
    listeners: list[Callable[[FaultEvent], None]]
    seen: Seen
    _lock: threading.Lock
    _dispatcher: Dispatcher
    _requests: dict[int, Request]
    _retired: set[int]
    _awaited: list[Task | None]
    _ward: Ward
    _workers: Workers
    _rounds: Alarm | None
    _nobody_looks: bool
    _look_ns: int | None  # when to look next at what runs

    def _note(self, actions: Sequence[Action], now_ns: int | None = None) -> Todo:
        raise NotImplementedError

    def _carry_out(
        self, todo: Todo, *, worker: int | None = None, caller: Request | None = None
    ) -> Task | None:
        raise NotImplementedError

    def leave_running(self) -> None:
        """Take what still runs to hang: the requests end, the threads are left to themselves."""
        with self._lock:
            now_ns = time.perf_counter_ns()
            actions: list[Action] = []
            hung = [unit for unit, task in enumerate(self._awaited) if task is not None]
            for unit, task in enumerate(self._awaited):
                if task is not None:
                    actions += self._take_off(now_ns, unit, task, None)
            todo = self._note(actions)
        self._carry_out(todo)
        for unit in hung:
            self._kill(unit)

    def limit_unknown(self, limit_ns: int) -> None:
        """From now on stages of which nothing is known hang after so long, if any runs at all."""
        with self._lock:
            self._ward.unknown_ns = limit_ns
        self._watch()

    def states(self) -> tuple[UnitState, ...]:
        """Every unit as it is now."""
        with self._lock:
            return self._ward.states()

    def retry(self, unit: int) -> None:
        """Try a unit once more that was given up.

        Raises:
            RunError: when its thread is still in the stage that it hung in.
        """
        with self._lock:
            now_ns = time.perf_counter_ns()
            todo = self._note(self._ward.retry(now_ns, unit), now_ns)
        self._carry_out(todo)

    def tell(self, event: FaultEvent) -> None:
        """Log a fault, and pass it on to those who listen."""
        is_good = event.kind in ("unit-up", "plan-replaced")
        where = event.unit or event.app
        known = {name: getattr(event, name) for name in EVENTS[event.kind]}
        _log.log(
            logging.INFO if is_good else logging.WARNING,
            "%s: %s %s",
            event.kind,
            where,
            event.reason,
            extra=fields(event.kind, **known),
        )
        for listener in tuple(self.listeners):
            try:
                listener(event)
            except Exception:  # noqa: BLE001 - a listener's mistake is its own
                _log.exception("a listener of fault events failed")

    def _go_round(self) -> None:
        """On the ward's thread: look after what hangs, and what waits to be brought back."""
        hung: list[Task] = []
        with self._lock:
            now_ns = time.perf_counter_ns()
            actions: list[Action] = []
            running = [
                None if self._workers.has_job[unit] else task
                for unit, task in enumerate(self._awaited)
            ]
            found, self._look_ns = self._ward.look(now_ns, running)
            for task, limit in found:
                actions += self._take_off(now_ns, task[0], task, limit)
                hung.append(task)
            self._nobody_looks = self._look_ns is None
            todo = self._note(actions, now_ns)
        self._carry_out(todo)
        for unit, _, _ in hung:
            self._kill(unit)

    def _take_off(self, now_ns: int, unit: int, task: Task, limit: int | None) -> Sequence[Action]:
        """Expect no answer from a unit any more. Under the lock."""
        self._awaited[unit] = None
        self.seen.began(task)
        actions = self._ward.hangs(now_ns, task, limit)
        return [*actions, *self._again(now_ns, task[1])] if task[1].is_lost else actions

    def _kill(self, unit: int) -> None:
        """End what hangs, where the backend can; else its worker does nothing until it is back."""
        kill = getattr(self.units[unit].backend, "kill", None)
        if kill is not None:
            kill()
            return
        with self._lock:
            if not self._ward.is_stuck(unit):  # it is back: what waits may bring it up
                return
            state = self._ward.states()[unit]
            jobs = self._workers.take_jobs(unit)
        for job in jobs:
            job.refuse(BackendError(f"unit {state.name!r}: {state.reason}"))

    def _revive(self, unit: int) -> None:
        """On the unit's worker: bring its backend back."""
        revive = getattr(self.units[unit].backend, "revive", None)
        error: Exception | None = None
        if revive is not None:
            try:
                revive()
            except Exception as found:  # noqa: BLE001 - whatever it is, the unit stays down
                error = found
        with self._lock:
            now_ns = time.perf_counter_ns()
            todo = self._note(self._ward.revived(now_ns, unit, error), now_ns)
        self._carry_out(todo)

    def _watch(self) -> None:
        """Something runs that may hang: look at it now, and from then on from time to time."""
        with self._lock:
            self._nobody_looks = False
            self._look_ns = time.perf_counter_ns()
            if self._rounds is not None:
                self._rounds.set(self._look_ns)

    def _interrupted(self, task: Task, error: BaseException) -> Todo:
        name, kind = task[1].program.name, type(error).__name__
        return self._failed(task, RunError(f"a request of app {name!r} was interrupted: {kind}"))

    def _failed(self, task: Task, error: RunError) -> Todo:
        unit = task[0]
        with self._lock:
            if self._awaited[unit] is not task:
                return self._came_back(task, error)
            self._awaited[unit] = None
            now_ns = time.perf_counter_ns()
            if self._has_lost(task, error):
                actions: Sequence[Action] = self._lose(now_ns, task, error)
            else:
                actions = self._ward.failed(now_ns, task, error)
            if task[1].is_lost:
                actions = [*actions, *self._again(now_ns, task[1])]
            self.seen.failed(now_ns, task, is_retried=not _ends(task[1], actions))
            return self._note(actions, now_ns)

    def _came_back(self, task: Task, error: BaseException | None) -> Todo:
        """A stage's answer comes when nobody waits for it any more. Under the lock."""
        now_ns = time.perf_counter_ns()
        return self._note(self._ward.came_back(now_ns, task, error), now_ns)

    # ---- requests whose values are lost ----

    def _has_lost(self, task: Task, error: RunError) -> bool:
        """Whether a stage failed for want of a value that went down with a unit."""
        unit, request, _ = task
        cause = error.__cause__
        is_of_others = isinstance(cause, UnitDownError) and cause.unit not in (
            None,
            self.units[unit].name,
        )
        return (
            (isinstance(cause, ValueLostError) or is_of_others)
            and request.status is None
            and not request.is_lost
            and request.restarts < self._ward.faults.deaths
            and request.program.app not in self._retired
        )

    def _lose(self, now_ns: int, task: Task, error: RunError) -> list[Action]:
        """The request must be computed again from its inputs. Under the lock."""
        unit, request, stage = task
        number = request.number
        request.fail(error, stage, unit, has_died=False)
        request.is_lost = True
        actions = [
            each
            for each in self._dispatcher.cancel(now_ns, number)
            if each[0] != FINISH or each[2] != number
        ]
        return actions + self._dispatcher.stage_failed(now_ns, unit, number, stage, False)

    def _again(self, now_ns: int, request: Request) -> Sequence[Action]:
        """Submit it anew, unless one of its stages still runs. Under the lock."""
        if any(task is not None and task[1] is request for task in self._awaited):
            return ()
        if request.program.app in self._retired:
            request.is_lost = False
            return [(FINISH, -1, request.number, FAILED)]
        before = request.number
        del self._requests[before]
        request.start_anew()
        request.number, actions = self._dispatcher.submit(
            now_ns, request.program.app, request.left_ns(now_ns)
        )
        self._requests[request.number] = request
        self.seen.restarted(now_ns, before, request)
        return actions


def _ends(request: Request, actions: Sequence[Action]) -> bool:
    """Whether a request has ended, or is about to."""
    return request.status is not None or any(
        kind == FINISH and number == request.number for kind, _, number, _ in actions
    )
