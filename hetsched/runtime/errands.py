"""What was decided, done: whom it concerns is woken. Without the lock."""

import logging
from collections.abc import Callable
from functools import partial

from hetsched.logs import EVENTS, fields
from hetsched.runtime.faults import FaultEvent
from hetsched.runtime.request import Request
from hetsched.runtime.todo import Todo
from hetsched.runtime.ward import Task
from hetsched.runtime.workers import Job, Workers

_log = logging.getLogger(__name__)


class Errands:
    """Does what was decided.

    Args:
        workers: who runs stages.
        revive: brings a unit's backend back; called on its worker.

    Attributes:
        listeners: called with each fault, on any thread.
    """

    def __init__(self, workers: Workers, revive: Callable[[int], None]) -> None:
        self._workers = workers
        self._revive = revive
        self.listeners: list[Callable[[FaultEvent], None]] = []

    def carry_out(
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
                self.start(task)
        for event in todo.events:
            self.tell(event)
        for request in todo.ended:
            request.notify()
        for unit in todo.revivals:
            self._workers.mailboxes[unit].put(Job(partial(self._revive, unit)))
        if todo.idle is not None:
            todo.idle()
        return own

    def start(self, task: Task) -> None:
        """Have a unit's worker run a stage."""
        self._workers.mailboxes[task[0]].put(task)

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
