"""What the dispatcher wants, in the runtime's objects; all of it under the lock."""

import logging
import time
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from hetsched.dispatch import FINISH, START, STATUSES, Action, RequestStatus
from hetsched.logs import fields
from hetsched.runtime.faults import FaultEvent
from hetsched.runtime.program import Program
from hetsched.runtime.request import Request
from hetsched.runtime.shared import Shared
from hetsched.runtime.storms import MANY, Storm
from hetsched.runtime.ward import Task

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


class Notes:
    """Writes down what was decided.

    Args:
        shared: where.
    """

    def __init__(self, shared: Shared) -> None:
        self._shared = shared

    def note(self, actions: Sequence[Action], now_ns: int | None = None) -> Todo:
        """What the dispatcher wants.

        Given the time, the ward is asked what else there is to do, and when to come to it again.
        """
        shared = self._shared
        revivals: Sequence[int] = ()
        if now_ns is not None:
            more, revivals = self._attended(now_ns)
            actions = [*actions, *more]
        if shared.ward.gone:
            actions = shared.ward.refused(time.perf_counter_ns(), actions)
        starts: list[Task] = []
        ended: list[Request] = []
        for kind, unit, number, what in actions:
            if kind == START:
                task = shared.awaited[unit] = (unit, shared.requests[number], what)
                starts.append(task)
            elif kind == FINISH:
                ended.append(self._forget(number, what))
            elif shared.alarm is not None:
                shared.alarm.set(number)
        if shared.asks_policy and (error := shared.dispatcher.take_error()):
            _log.error(
                "the policy failed, the oldest request was served instead: %s",
                error,
                extra=fields("policy-failed", reason=error),
            )
        shared.weigh()
        idle = self._idle_call() if shared.is_closing else None
        return Todo(starts, ended, idle, self._events(), revivals)

    def _attended(self, now_ns: int) -> tuple[list[Action], Sequence[int]]:
        """What the ward wants, and the units to be brought back."""
        shared = self._shared
        actions, revivals, due_ns = shared.ward.attend(now_ns)
        dues = [at for at in (due_ns, shared.look_ns) if at is not None]
        if dues and shared.rounds is not None:
            shared.rounds.set(min(dues))
        if shared.is_closing and not shared.requests:
            return actions, ()  # nobody needs the unit any more
        return actions, revivals

    def _events(self) -> Sequence[FaultEvent]:
        events = self._shared.ward.events
        if not events:
            return ()
        found = tuple(events)
        events.clear()
        for event in found:
            self._shared.seen.fault(event)
        return found

    def _forget(self, number: int, status: int) -> Request:
        request = self._shared.requests.pop(number)
        request.end(STATUSES[status])
        if request.status is RequestStatus.DROPPED:
            self._note_drop(request.program)
        if self._shared.seen.recorder is not None:
            self._shared.seen.finished(request)
        return request

    def _note_drop(self, program: Program) -> None:
        """Times that keep every request out are doubted; many drops are told."""
        if program.learned is not None and not program.account.is_retired:
            program.learned.dropped()
        now_ns = time.perf_counter_ns()
        if self._shared.storms.setdefault(program.name, Storm()).dropped(now_ns):
            reason = f"{MANY} requests or more were dropped within a second"
            event = FaultEvent(kind="drop-storm", time_ns=now_ns, app=program.name, reason=reason)
            self._shared.ward.events.append(event)

    def _idle_call(self) -> Callable[[], None] | None:
        if not self._shared.dispatcher.is_idle:
            return None
        call, self._shared.on_idle = self._shared.on_idle, None
        return call
