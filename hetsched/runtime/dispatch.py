"""What runs next, and where: a pure state machine, events in and actions out.

No thread, clock, lock or I/O in here. Whoever drives it (the runtime's threads, a simulator, a
test) feeds events one at a time and carries out the actions that come back. The same events always
give the same actions.

A request's life::

    Submitted -> live -> Finish(completed | failed | cancelled)      exactly once

A unit runs one stage at a time: it is busy from `Start` until the `StageDone` or `StageFailed` that
answers it, even when the request has ended meanwhile.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from heapq import heappop, heappush
from typing import TypeAlias


class RequestStatus(StrEnum):
    """How a request ended; every request ends in exactly one of these."""

    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class StageNode:
    """What the dispatcher knows of a stage.

    Attributes:
        unit: index of the unit that runs it.
        after: indices of the stages that must have ended before, each once.
    """

    unit: int
    after: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployed:
    """An app has come: its stages, each after those that it depends on."""

    app: int
    stages: tuple[StageNode, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Submitted:
    """A request has arrived. Request numbers ascend: they are the order of arrival."""

    request: int
    app: int


@dataclass(slots=True, kw_only=True)  # not frozen: that triples the time of making one
class StageDone:
    """A unit has finished the stage that it was told to start."""

    unit: int
    request: int
    stage: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StageFailed:
    """A unit couldn't finish the stage that it was told to start."""

    unit: int
    request: int
    stage: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancelled:
    """Nobody waits for the request any more. Of no effect when it has ended already."""

    request: int


@dataclass(slots=True, kw_only=True)  # not frozen: that triples the time of making one
class Start:
    """Run this stage on this unit now."""

    unit: int
    request: int
    stage: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Finish:
    """The request has ended; none of its stages will be started any more."""

    request: int
    status: RequestStatus


Event: TypeAlias = Deployed | Submitted | StageDone | StageFailed | Cancelled
Action: TypeAlias = Start | Finish


@dataclass(slots=True, kw_only=True)
class _Live:
    """A request that hasn't ended.

    Attributes:
        app: index of its app.
        waits_for: per stage, how many stages it still waits for.
        left: stages that haven't ended.
    """

    app: int
    waits_for: list[int]
    left: int


@dataclass(slots=True, kw_only=True)
class _App:
    """An app's stages, and for each stage those that wait for it."""

    stages: tuple[StageNode, ...]
    before: list[list[int]] = field(default_factory=list)


class Dispatcher:
    """First come, first served: a free unit takes the ready stage of the oldest request.

    Args:
        units: how many units there are.
    """

    def __init__(self, units: int) -> None:
        self._apps: dict[int, _App] = {}
        self._live: dict[int, _Live] = {}
        self._newest = -1
        # What each unit runs, None when idle.
        self._running: list[tuple[int, int] | None] = [None] * units
        # Per unit, a heap of (request, stage). Stages of ended requests are dropped when met.
        self._ready: list[list[tuple[int, int]]] = [[] for _ in range(units)]

    @property
    def is_idle(self) -> bool:
        """Whether every request has ended and no unit runs a stage."""
        return not self._live and all(stage is None for stage in self._running)

    def handle(self, event: Event) -> list[Action]:
        """Take one event; what must be done about it comes back, in order.

        Raises:
            ValueError: when the event can't happen in this state; the state is unchanged.
        """
        match event:
            case StageDone():
                return self._stage_done(event)
            case Submitted():
                return self._submitted(event)
            case StageFailed():
                return self._stage_failed(event)
            case Cancelled():
                return self._end(event.request, RequestStatus.CANCELLED)
            case Deployed():
                return self._deployed(event)

    def _deployed(self, event: Deployed) -> list[Action]:
        if event.app in self._apps:
            raise ValueError(f"app {event.app} is deployed already")
        app = _App(stages=event.stages, before=[[] for _ in event.stages])
        for index, stage in enumerate(event.stages):
            if not 0 <= stage.unit < len(self._running):
                raise ValueError(f"stage {index} is on unit {stage.unit} of {len(self._running)}")
            for earlier in stage.after:
                if not 0 <= earlier < index:
                    raise ValueError(f"stage {index} waits for stage {earlier}, not an earlier one")
                app.before[earlier].append(index)
        self._apps[event.app] = app
        return []

    def _submitted(self, event: Submitted) -> list[Action]:
        app = self._apps.get(event.app)
        if app is None:
            raise ValueError(f"app {event.app} isn't deployed")
        if event.request <= self._newest:
            raise ValueError(f"request {event.request} comes after request {self._newest}")
        self._newest = event.request
        if not app.stages:
            return [Finish(request=event.request, status=RequestStatus.COMPLETED)]
        waits_for = [len(stage.after) for stage in app.stages]
        self._live[event.request] = _Live(app=event.app, waits_for=waits_for, left=len(waits_for))
        ready = [index for index, count in enumerate(waits_for) if not count]
        return self._enqueue(event.request, app, ready)

    def _stage_done(self, event: StageDone) -> list[Action]:
        self._free(event)
        request = self._live.get(event.request)
        if request is None:
            return self._next(event.unit)
        app = self._apps[request.app]
        ready = []
        for stage in app.before[event.stage]:
            request.waits_for[stage] -= 1
            if not request.waits_for[stage]:
                ready.append(stage)
        request.left -= 1
        finished: list[Action] = []
        if not request.left:
            finished = self._end(event.request, RequestStatus.COMPLETED)
        return finished + self._enqueue(event.request, app, ready, freed=event.unit)

    def _stage_failed(self, event: StageFailed) -> list[Action]:
        self._free(event)
        return self._end(event.request, RequestStatus.FAILED) + self._next(event.unit)

    def _free(self, event: StageDone | StageFailed) -> None:
        running = self._running[event.unit]
        if running != (event.request, event.stage):
            raise ValueError(f"unit {event.unit} runs {running}, so {event} can't be")
        self._running[event.unit] = None

    def _end(self, request: int, status: RequestStatus) -> list[Action]:
        if self._live.pop(request, None) is None:
            return []
        return [Finish(request=request, status=status)]

    def _enqueue(
        self, request: int, app: _App, stages: list[int], freed: int | None = None
    ) -> list[Action]:
        """Put stages into their units' queues and let the units touched take their next."""
        touched = [] if freed is None else [freed]
        for stage in stages:
            unit = app.stages[stage].unit
            heappush(self._ready[unit], (request, stage))
            if unit not in touched:
                touched.append(unit)
        actions: list[Action] = []
        for unit in touched:
            if self._ready[unit]:
                actions += self._next(unit)
        return actions

    def _next(self, unit: int) -> list[Action]:
        if self._running[unit] is not None:
            return []
        ready = self._ready[unit]
        while ready:
            request, stage = heappop(ready)
            if request in self._live:
                self._running[unit] = (request, stage)
                return [Start(unit=unit, request=request, stage=stage)]
        return []
