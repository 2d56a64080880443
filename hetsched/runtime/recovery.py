"""What an engine does about faults: who hangs is looked for, who went down is brought back.

What to do is the ward's decision, see there; this is the thin part with threads and the lock.
"""

import time
from collections.abc import Sequence

from hetsched.dispatch import FINISH, Action
from hetsched.errors import BackendError, RunError, UnitDownError, ValueLostError
from hetsched.runtime.errands import Errands
from hetsched.runtime.request import Request
from hetsched.runtime.shared import Shared
from hetsched.runtime.todo import FAILED, Notes, Todo
from hetsched.runtime.ward import Task
from hetsched.runtime.workers import Workers


class Recovery:
    """The thin part of what is done about faults, with threads and the lock.

    Args:
        shared: what runs, and the ward.
        notes: of what was decided.
        errands: what is to be done then.
        workers: whose threads may hang.
    """

    def __init__(self, shared: Shared, notes: Notes, errands: Errands, workers: Workers) -> None:
        self._shared = shared
        self._lock = shared.lock
        self._dispatcher = shared.dispatcher
        self._requests = shared.requests
        self._awaited = shared.awaited
        self._ward = shared.ward
        self._notes = notes
        self._errands = errands
        self._workers = workers

    def leave_running(self) -> None:
        """Take what still runs to hang: the requests end, the threads are left to themselves."""
        with self._lock:
            now_ns = time.perf_counter_ns()
            actions: list[Action] = []
            hung = [unit for unit, task in enumerate(self._awaited) if task is not None]
            for unit, task in enumerate(self._awaited):
                if task is not None:
                    actions += self._take_off(now_ns, unit, task, None)
            todo = self._notes.note(actions)
        self._errands.carry_out(todo)
        for unit in hung:
            self.kill(unit)

    def limit_unknown(self, limit_ns: int) -> None:
        """From now on stages of which nothing is known hang after so long, if any runs at all."""
        with self._lock:
            self._ward.unknown_ns = limit_ns
        self.watch()

    def retry(self, unit: int) -> None:
        """Try a unit once more that was given up.

        Raises:
            RunError: when its thread is still in the stage that it hung in.
        """
        with self._lock:
            now_ns = time.perf_counter_ns()
            todo = self._notes.note(self._ward.retry(now_ns, unit), now_ns)
        self._errands.carry_out(todo)

    def go_round(self) -> None:
        """On the ward's thread: look after what hangs, and what waits to be brought back."""
        hung: list[Task] = []
        with self._lock:
            now_ns = time.perf_counter_ns()
            actions: list[Action] = []
            running = [
                None if self._workers.has_job[unit] else task
                for unit, task in enumerate(self._awaited)
            ]
            found, self._shared.look_ns = self._ward.look(now_ns, running)
            for task, limit in found:
                actions += self._take_off(now_ns, task[0], task, limit)
                hung.append(task)
            self._shared.nobody_looks = self._shared.look_ns is None
            todo = self._notes.note(actions, now_ns)
        self._errands.carry_out(todo)
        for unit, _, _ in hung:
            self.kill(unit)

    def _take_off(self, now_ns: int, unit: int, task: Task, limit: int | None) -> Sequence[Action]:
        """Expect no answer from a unit any more. Under the lock."""
        self._awaited[unit] = None
        self._shared.seen.began(task)
        actions = self._ward.hangs(now_ns, task, limit)
        return [*actions, *self.again(now_ns, task[1])] if task[1].is_lost else actions

    def kill(self, unit: int) -> None:
        """End what hangs, where the backend can; else its worker does nothing until it is back."""
        kill = getattr(self._shared.units[unit].backend, "kill", None)
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

    def revive(self, unit: int) -> None:
        """On the unit's worker: bring its backend back."""
        revive = getattr(self._shared.units[unit].backend, "revive", None)
        error: Exception | None = None
        if revive is not None:
            try:
                revive()
            except Exception as found:  # noqa: BLE001 - whatever it is, the unit stays down
                error = found
        with self._lock:
            now_ns = time.perf_counter_ns()
            todo = self._notes.note(self._ward.revived(now_ns, unit, error), now_ns)
        self._errands.carry_out(todo)

    def watch(self) -> None:
        """Something runs that may hang: look at it now, and from then on from time to time."""
        with self._lock:
            self._shared.nobody_looks = False
            self._shared.look_ns = time.perf_counter_ns()
            if self._shared.rounds is not None:
                self._shared.rounds.set(self._shared.look_ns)

    def interrupted(self, task: Task, error: BaseException) -> Todo:
        """Something other than the stage ended it."""
        name, kind = task[1].program.name, type(error).__name__
        return self.failed(task, RunError(f"a request of app {name!r} was interrupted: {kind}"))

    def failed(self, task: Task, error: RunError) -> Todo:
        """A stage has raised."""
        unit = task[0]
        with self._lock:
            if self._awaited[unit] is not task:
                return self.came_back(task, error)
            self._awaited[unit] = None
            now_ns = time.perf_counter_ns()
            if self._has_lost(task, error):
                actions: Sequence[Action] = self._lose(now_ns, task, error)
            else:
                actions = self._ward.failed(now_ns, task, error)
            if task[1].is_lost:
                actions = [*actions, *self.again(now_ns, task[1])]
            self._shared.seen.failed(now_ns, task, is_retried=not _ends(task[1], actions))
            return self._notes.note(actions, now_ns)

    def came_back(self, task: Task, error: BaseException | None) -> Todo:
        """A stage's answer comes when nobody waits for it any more. Under the lock."""
        now_ns = time.perf_counter_ns()
        return self._notes.note(self._ward.came_back(now_ns, task, error), now_ns)

    # ---- requests whose values are lost ----

    def _has_lost(self, task: Task, error: RunError) -> bool:
        """Whether a stage failed for want of a value that went down with a unit."""
        unit, request, _ = task
        cause = error.__cause__
        is_of_others = isinstance(cause, UnitDownError) and cause.unit not in (
            None,
            self._shared.units[unit].name,
        )
        return (
            (isinstance(cause, ValueLostError) or is_of_others)
            and request.status is None
            and not request.is_lost
            and request.restarts < self._ward.faults.deaths
            and not request.program.account.is_retired
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

    def again(self, now_ns: int, request: Request) -> Sequence[Action]:
        """Submit it anew, unless one of its stages still runs. Under the lock."""
        if any(task is not None and task[1] is request for task in self._awaited):
            return ()
        if request.program.account.is_retired:
            request.is_lost = False
            return [(FINISH, -1, request.number, FAILED)]
        before = request.number
        del self._requests[before]
        request.start_anew()
        request.number, actions = self._dispatcher.submit(
            now_ns, request.program.app, request.left_ns(now_ns)
        )
        self._requests[request.number] = request
        self._shared.seen.restarted(now_ns, before, request)
        return actions


def _ends(request: Request, actions: Sequence[Action]) -> bool:
    """Whether a request has ended, or is about to."""
    return request.status is not None or any(
        kind == FINISH and number == request.number for kind, _, number, _ in actions
    )
