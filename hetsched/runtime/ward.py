"""What happens when stages and units fail: the dispatcher is told, units go down and come back.

All of it is called under the runtime's lock, with the time; nothing here waits or starts threads.
What it decides comes back as the dispatcher's actions, and as revivals for the units' workers.
"""

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from hetsched._core import Dispatcher
from hetsched.dispatch import FINISH, START, Action
from hetsched.errors import RunError, UnitDownError
from hetsched.runtime.faults import FaultEvent, FaultKind, Faults, Health, UnitState, UnitStatus
from hetsched.runtime.request import Request
from hetsched.runtime.watch import Watch, limit_ns

Task: TypeAlias = tuple[int, Request, int]
"""A stage that must run: unit, request, stage."""


class Ward:
    """The units' health, and the dispatcher's view of it.

    Args:
        names: of the units.
        killable: whether what hangs there can be killed, per unit.
        dispatcher: which is told.
        requests: those that haven't ended, by number.
        faults: how failures are dealt with.

    Attributes:
        gone: units that were given up. The dispatcher takes them to be up, so that what only they
            can run ends: it fails at once.
        is_troubled: whether a unit failed of late, so that successes must be told.
        events: what happened since somebody took them.
        unknown_ns: how long a stage may take of which nothing is known, once somebody waits for the
            end: then no unit that hangs is waited for either. None for ever.
    """

    def __init__(
        self,
        names: Sequence[str],
        killable: Sequence[bool],
        dispatcher: Dispatcher,
        requests: Mapping[int, Request],
        faults: Faults,
    ) -> None:
        self.gone: set[int] = set()
        self.is_troubled = False
        self.events: list[FaultEvent] = []
        self.unknown_ns: int | None = None
        self.faults = faults
        self._names = tuple(names)
        self._killable = tuple(killable)
        self._dispatcher = dispatcher
        self._requests = requests
        self._health = [Health(faults) for _ in names]
        self._hung: dict[int, Task] = {}
        self._reviving: set[int] = set()
        self._watch = Watch(len(names))

    # ---- what can be asked ----

    def states(self) -> tuple[UnitState, ...]:
        """Every unit as it is now."""
        pairs = zip(self._names, self._health, strict=True)
        return tuple(health.state(name) for name, health in pairs)

    def is_stuck(self, unit: int) -> bool:
        """Whether the unit's thread hasn't come back, so that nothing can be done on it."""
        return unit in self._hung

    # ---- what stages do ----

    def ended_well(self, unit: int) -> None:
        """A stage has; asked for only while `is_troubled`."""
        if not self._health[unit].is_doubted:
            return
        self._health[unit].succeeded()
        self.is_troubled = any(health.is_doubted for health in self._health)

    def failed(self, now_ns: int, task: Task, error: RunError) -> Sequence[Action]:
        """A stage didn't end well."""
        unit, request, stage = task
        self._health[unit].failures += 1
        has_died = isinstance(error.__cause__, UnitDownError)
        request.fail(error, stage, unit, has_died=has_died)
        actions: Sequence[Action]
        if has_died:
            actions = self._without(now_ns, task)
            self._health[unit].die(now_ns, str(error))
            self._tell_down(now_ns, task)
        else:
            actions = self._elsewhere(now_ns, task)
        self.is_troubled = True
        self._tell_stage(now_ns, task, actions, str(error))
        return actions

    def hangs(self, now_ns: int, task: Task, limit: int | None) -> Sequence[Action]:
        """A stage takes too long: the unit is left to itself until it comes back."""
        unit, request, stage = task
        took = "when the runtime was closed" if limit is None else f"after {limit / 1e9:g} s"
        error = RunError(f"{request.where(stage, unit)} didn't end: it hung {took}")
        self._health[unit].failures += 1
        self._hung[unit] = task
        request.fail(error, stage, unit, has_died=self._killable[unit])
        if self._killable[unit]:
            actions = self._without(now_ns, task)
        else:
            actions = self._and_down(now_ns, unit, self._failed(now_ns, task, retry=True))
        self._health[unit].hang(now_ns, str(error))
        if self.unknown_ns is not None and not self._killable[unit]:
            self._health[unit].due_ns = now_ns  # what waits for it fails at once
        self.is_troubled = True
        self._tell("unit-hung", now_ns, str(error), task)
        self._tell_stage(now_ns, task, actions, str(error))
        return actions

    def came_back(self, now_ns: int, task: Task, error: BaseException | None) -> Sequence[Action]:
        """A thread is back from a stage that it was taken off."""
        unit = task[0]
        if self._hung.get(unit) is not task:
            return ()
        del self._hung[unit]
        self._tell("late-result", now_ns, "what it made was thrown away", task)
        return self._down_again(now_ns, unit, has_died=_is_death(error))

    # ---- what time does ----

    def look(
        self, now_ns: int, running: Sequence[Task | None]
    ) -> tuple[list[tuple[Task, int | None]], int | None]:
        """Stages that hang, with their limits, and when to look again."""
        limits = [self._limit(task) for task in running]
        hung, again_ns = self._watch.look(now_ns, list(zip(running, limits, strict=True)))
        return [(t, limits[u]) for u in hung if (t := running[u]) is not None], again_ns

    def attend(self, now_ns: int) -> tuple[list[Action], list[int], int | None]:
        """Actions, units whose backend must be brought back on their worker, and when to come."""
        actions: list[Action] = []
        revivals: list[int] = []
        for unit, health in enumerate(self._health):
            if health.due_ns is None or health.due_ns > now_ns:
                continue
            if unit in self._hung or unit in self._reviving:  # it has had its time
                actions += self._give_up(now_ns, unit)
            elif health.needs_revival:
                self._reviving.add(unit)
                health.begin_revival(now_ns)
                revivals.append(unit)
            else:
                actions += self._up(now_ns, unit)
        dues = [health.due_ns for health in self._health if health.due_ns is not None]
        return actions, revivals, min(dues, default=None)

    def revived(self, now_ns: int, unit: int, error: BaseException | None) -> Sequence[Action]:
        """The unit's worker has tried to bring its backend back."""
        self._reviving.discard(unit)
        health = self._health[unit]
        if health.status is UnitStatus.GIVEN_UP:  # it took too long
            if error is not None:
                return ()
            return self._down_again(now_ns, unit, has_died=False)
        if error is None:
            return self._up(now_ns, unit)
        reason = f"bringing it back failed: {error}"
        return self._give_up(now_ns, unit) if health.revival_failed(now_ns, reason) else ()

    def retry(self, now_ns: int, unit: int) -> Sequence[Action]:
        """Try a unit once more that was given up.

        Raises:
            RunError: when its thread is still in the stage that it hung in.
        """
        if unit not in self.gone:
            return ()
        if unit in self._hung or unit in self._reviving:
            raise RunError(
                f"unit {self._names[unit]!r} is still stuck: {self._health[unit].reason}"
            )
        self.gone.discard(unit)
        self._health[unit].retry(now_ns)
        return self._dispatcher.unit_down(now_ns, unit)

    def refused(self, now_ns: int, actions: Sequence[Action]) -> list[Action]:
        """The same actions, but what was to start on a unit that was given up fails there."""
        left = list(actions)
        kept: list[Action] = []
        for action in left:  # it grows meanwhile
            kind, unit, number, what = action
            if kind != START or unit not in self.gone:
                kept.append(action)
                continue
            request = self._requests[number]
            why = f"{request.where(what, unit)} failed: the unit was given up: "
            error = RunError(why + self._health[unit].reason)
            request.fail(error, what, unit, has_died=False)
            left += self._failed(now_ns, (unit, request, what), retry=True)
        return kept

    # ---- steps of these ----

    def _failed(self, now_ns: int, task: Task, *, retry: bool) -> list[Action]:
        unit, request, stage = task
        return self._dispatcher.stage_failed(now_ns, unit, request.number, stage, retry)

    def _elsewhere(self, now_ns: int, task: Task) -> Sequence[Action]:
        """Have a failed stage run by another unit; who is to blame shows by how that ends."""
        unit, request, stage = task
        actions = self._failed(now_ns, task, retry=True)
        if any(kind == FINISH and number == request.number for kind, _, number, _ in actions):
            for other in request.blamed(stage, unit):
                self._health[other].forgive()
            return actions
        if request.status is not None or not self._health[unit].failed():
            return actions
        reason = f"{self.faults.failures} of its last {self.faults.window} stages failed"
        self._health[unit].quarantine(now_ns, f"{reason}, the last: {request.failures[-1].error}")
        self._tell("unit-quarantined", now_ns, self._health[unit].reason, (unit, None, -1))
        return self._and_down(now_ns, unit, actions)

    def _without(self, now_ns: int, task: Task) -> list[Action]:
        """The unit goes down in the midst of a stage, which is run again, there or elsewhere."""
        unit, request, stage = task
        if request.deaths(stage) < self.faults.deaths:
            return self._dispatcher.unit_down(now_ns, unit)
        return self._and_down(now_ns, unit, self._failed(now_ns, task, retry=False))

    def _and_down(self, now_ns: int, unit: int, actions: Sequence[Action]) -> list[Action]:
        """An idle unit goes down; what was to start there just now starts elsewhere."""
        kept = [each for each in actions if each[0] != START or each[1] != unit]
        return kept + self._dispatcher.unit_down(now_ns, unit)

    def _down_again(self, now_ns: int, unit: int, *, has_died: bool) -> list[Action]:
        """A thread that was taken to be lost is there again."""
        self._health[unit].come_back(now_ns, has_died=has_died)
        if unit not in self.gone:
            return []
        self.gone.discard(unit)
        return self._dispatcher.unit_down(now_ns, unit)

    def _up(self, now_ns: int, unit: int) -> list[Action]:
        self._health[unit].rise(now_ns)
        self.is_troubled = True
        self._tell("unit-up", now_ns, "", (unit, None, -1))
        return self._dispatcher.unit_up(now_ns, unit)

    def _give_up(self, now_ns: int, unit: int) -> list[Action]:
        self._health[unit].give_up(now_ns)
        self.gone.add(unit)
        self._tell("unit-given-up", now_ns, self._health[unit].reason, (unit, None, -1))
        return self._dispatcher.unit_up(now_ns, unit)

    def _limit(self, task: Task | None) -> int | None:
        if task is None:
            return None
        program = task[1].program
        found = limit_ns(program.watchdog, self.faults, program.account.longest_ns(task[2]))
        return self.unknown_ns if found is None and program.watchdog == "auto" else found

    # ---- telling ----

    def _tell_down(self, now_ns: int, task: Task) -> None:
        health = self._health[task[0]]
        is_out = health.status is UnitStatus.QUARANTINED
        kind: FaultKind = "unit-quarantined" if is_out else "unit-down"
        self._tell(kind, now_ns, health.reason, task)

    def _tell_stage(self, now_ns: int, task: Task, actions: Sequence[Action], reason: str) -> None:
        number = task[1].number
        if task[1].status is not None:  # nobody waits for it any more
            return
        has_ended = any(kind == FINISH and which == number for kind, _, which, _ in actions)
        self._tell("stage-failed" if has_ended else "stage-retried", now_ns, reason, task)

    def _tell(
        self, kind: FaultKind, now_ns: int, reason: str, about: tuple[int, Request | None, int]
    ) -> None:
        unit, request, stage = about
        self.events.append(
            FaultEvent(
                kind=kind,
                time_ns=now_ns,
                reason=reason,
                unit=self._names[unit],
                app="" if request is None else request.program.name,
                request=-1 if request is None else request.number,
                stage="" if request is None else request.program.wired.stages[stage].id,
            )
        )


def _is_death(error: BaseException | None) -> bool:
    return error is not None and isinstance(error.__cause__, UnitDownError)
