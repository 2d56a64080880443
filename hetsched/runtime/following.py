"""A request's way: taken in, its stages run, and what follows from each for the thread that ran it.

The usual cases are two calls of the native desk, for they are met with cold caches: what a stage
leaves behind is its model's weights. Everything else goes through notes and errands.
"""

import time
from collections.abc import Sequence

from hetsched.dispatch import Action
from hetsched.errors import RunError
from hetsched.runtime.errands import Errands
from hetsched.runtime.program import Program
from hetsched.runtime.recovery import Recovery
from hetsched.runtime.request import Request
from hetsched.runtime.shared import Shared
from hetsched.runtime.todo import Notes, Todo
from hetsched.runtime.ward import Task


class RetiredError(RunError):
    """The request is for a program that another one has replaced."""


class Following:
    """Runs stages on the calling thread.

    Args:
        shared: what is run, and where.
        notes: of what was decided.
        errands: what others are to do.
        recovery: what is done about what fails.
    """

    def __init__(self, shared: Shared, notes: Notes, errands: Errands, recovery: Recovery) -> None:
        self._shared = shared
        self._lock = shared.lock
        self._awaited = shared.awaited
        self._desk = shared.desk
        self._notes = notes
        self._errands = errands
        self._recovery = recovery

    def admit(self, request: Request) -> tuple[Task, None] | tuple[None, Todo]:
        """What there is to do: as in most cases one of its own stages to start, or more.

        Raises:
            RunError: when the runtime is closed.
            RetiredError: when its program was replaced.
        """
        program = request.program
        account = program.account
        with self._lock:
            if self._shared.is_closing or account.is_retired:
                self._refuse(program)
            found = self._desk.begin(request, account, request.deadline_ns)
            return (None, self._notes.note(found)) if type(found) is list else (found, None)

    def _refuse(self, program: Program) -> None:
        self._shared.refuse_when_closing()
        raise RetiredError(f"app {program.name!r} runs another plan by now")

    def follow(
        self, first: Task, *, worker: int | None = None, caller: Request | None = None
    ) -> None:
        """Run a stage, and what follows from it for this thread; see `Errands.carry_out`."""
        task: Task | None = first
        while task is not None:
            unit, request, stage = task
            if self._shared.nobody_looks and request.program.watchdog != "off":
                self._recovery.watch()
            ran = None
            try:
                # Else it has ended, or this isn't awaited any more, since the dispatcher decided.
                if request.status is None and self._awaited[unit] is task:
                    ran = request.execute(stage, unit)
            except RunError as error:
                todo: Todo | None = self._recovery.failed(task, error)
            except BaseException as error:  # whatever it is, the unit must be free again
                todo = self._recovery.interrupted(task, error)
                if caller is not None:
                    self._errands.carry_out(todo)
                    raise
            else:
                with self._lock:
                    was_open = request.status is None
                    if ran is None or self._awaited[unit] is not task:
                        todo = self._not_wanted(task)
                    else:
                        request.take(stage, unit, ran)
                        account = request.program.account
                        found = self._desk.end(task, account, ran.start_ns, ran.end_ns)
                        todo = self._ended(task, found) if type(found) is list else None
                    has_ended = was_open and request.status is not None  # it did so here
            if todo is not None:
                task = self._errands.carry_out(todo, worker=worker, caller=caller)
                continue
            task = found
            if task is not None and task[0] != worker and task[1] is not caller:
                self._errands.start(task)
                task = None
            if has_ended:
                request.notify()

    def _ended(self, task: Task, actions: Sequence[Action]) -> Todo:
        """A stage has, and what the dispatcher wants isn't all there is to do. Under the lock."""
        if self._shared.ward.is_troubled:
            self._shared.ward.ended_well(task[0])
        return self._notes.note(self._or_again(task[1], actions))

    def _not_wanted(self, task: Task) -> Todo:
        """Nobody wants what a stage made, or would have. Under the lock."""
        unit, request, stage = task
        if self._awaited[unit] is not task:
            return self._recovery.came_back(task, None)
        self._awaited[unit] = None
        now_ns = time.perf_counter_ns()
        actions = self._shared.dispatcher.stage_done(now_ns, unit, request.number, stage)
        return self._notes.note(self._or_again(request, actions))

    def _or_again(self, request: Request, actions: Sequence[Action]) -> Sequence[Action]:
        if not request.is_lost:
            return actions
        return [*actions, *self._recovery.again(time.perf_counter_ns(), request)]
