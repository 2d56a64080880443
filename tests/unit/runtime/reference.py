"""What the dispatcher must do, said slowly: lists, sorting, everything looked up anew each time."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from hetsched.dispatch import RequestStatus, StageNode, Terms
from tests.unit.runtime.dispatching import (
    CANCELLED,
    COMPLETED,
    DROPPED,
    FAILED,
    MISSED,
    finish,
    start,
    timer,
)

Key: TypeAlias = tuple[float, int, int]
NEVER = float("inf")


@dataclass(kw_only=True)
class Live:
    number: int
    app: int
    arrival: int
    deadline: float
    began: bool = False
    done: set[int] = field(default_factory=set)
    running: dict[int, int] = field(default_factory=dict)  # stage to unit
    tried: dict[int, set[int]] = field(default_factory=dict)
    keys: dict[tuple[int, int], float] = field(default_factory=dict)  # (stage, unit), when queued


@dataclass(kw_only=True)
class Busy:
    request: int
    stage: int
    start: int
    end: int


class Reference:
    """Requests are called 0, 1, 2, ... in the order of arrival, those of `Bench`."""

    def __init__(
        self, units: int, policy: str, apps: Sequence[tuple[tuple[StageNode, ...], Terms]]
    ) -> None:
        self.units, self.policy, self.apps = units, policy, apps
        self.live: dict[int, Live] = {}
        self.busy: dict[int, Busy] = {}
        self.downs: set[int] = set()
        self.count = 0
        self.now = 0
        self.set_for = 0  # the timer
        self.clock = [0] * units  # of weighted-fair
        self.tags: dict[tuple[int, int], int] = {}
        self.said: list[tuple[Any, ...]] = []

    def submit(self, app: int, deadline_ns: float | None = None) -> list[tuple[Any, ...]]:
        self._begin()
        nodes, terms = self.apps[app]
        own = NEVER if terms.deadline_ns is None else terms.deadline_ns
        deadline = self.now + (own if deadline_ns is None else deadline_ns)
        request = Live(number=self.count, app=app, arrival=self.now, deadline=deadline)
        self.live[request.number] = request
        self.count += 1
        if not nodes:
            self._end(request, COMPLETED)
            return self._finish()
        quickest = max(self._rest(app, s) for s in range(len(nodes)))
        if terms.admission != "all" and self.now + quickest > deadline:
            self._end(request, DROPPED)
            return self._finish()
        self._make_room(request, terms)
        for s, node in enumerate(nodes):
            if not node.after and request.number in self.live:
                self._queue(request, s)
        if terms.admission == "backlog" and request.number in self.live:
            self._refuse_behind_backlog(request)
        return self._finish()

    def done(self, unit: int) -> list[tuple[Any, ...]]:
        self._begin()
        ended = self.busy.pop(unit)
        request = self.live.get(ended.request)
        if request is None:
            return self._finish()
        del request.running[ended.stage]
        request.done.add(ended.stage)
        nodes = self.apps[request.app][0]
        if len(request.done) == len(nodes):
            self._end(request, MISSED if self.now > request.deadline else COMPLETED)
            return self._finish()
        for s, node in enumerate(nodes):
            if ended.stage in node.after and request.done >= set(node.after):
                self._queue(request, s)
                if request.number not in self.live:
                    break
        return self._finish()

    def failed(self, unit: int, *, retry: bool) -> list[tuple[Any, ...]]:
        self._begin()
        ended = self.busy.pop(unit)
        request = self.live.get(ended.request)
        if request is None:
            return self._finish()
        del request.running[ended.stage]
        tried = request.tried.setdefault(ended.stage, set())
        tried.add(unit)
        able = {u for u, _ in self.apps[request.app][0][ended.stage].units}
        if retry and able - tried - self.downs:
            self._queue(request, ended.stage)
        else:
            self._end(request, FAILED)
        return self._finish()

    def cancel(self, number: int) -> list[tuple[Any, ...]]:
        self._begin()
        if number in self.live:
            self._end(self.live[number], CANCELLED)
        return self._finish()

    def timer(self) -> list[tuple[Any, ...]]:
        self._begin()
        return self._finish()

    def down(self, unit: int) -> list[tuple[Any, ...]]:
        self._begin()
        self.downs.add(unit)
        ended = self.busy.pop(unit, None)
        if ended is not None and ended.request in self.live:
            request = self.live[ended.request]
            del request.running[ended.stage]
            self._queue(request, ended.stage)
        return self._finish()

    def up(self, unit: int) -> list[tuple[Any, ...]]:
        self._begin()
        self.downs.remove(unit)
        return self._finish()

    # what is expected

    def _ns(self, app: int, stage: int, unit: int) -> int:
        return dict(self.apps[app][0][stage].units)[unit]

    def _rest(self, app: int, stage: int) -> int:
        nodes = self.apps[app][0]
        after = [s for s, node in enumerate(nodes) if stage in node.after]
        least = min(ns for _, ns in nodes[stage].units)
        return least + max((self._rest(app, s) for s in after), default=0)

    def _rank(self, app: int, stage: int) -> int:
        nodes = self.apps[app][0]
        after = [s for s, node in enumerate(nodes) if stage in node.after]
        mean = sum(ns for _, ns in nodes[stage].units) // len(nodes[stage].units)
        return mean + max((self._rank(app, s) for s in after), default=0)

    def _drops(self, request: Live) -> bool:
        return self.apps[request.app][1].late == "drop"

    def _queued_stages(self, request: Live) -> set[int]:
        return {stage for stage, _ in request.keys}

    def _latest(self, request: Live) -> float:
        """When its most urgent queued stage must have started."""
        stages = self._queued_stages(request)
        if not self._drops(request) or not stages:
            return NEVER
        return request.deadline - max(self._rest(request.app, s) for s in stages)

    def _queue_of(self, unit: int) -> list[tuple[Key, Live]]:
        found = [
            ((key, request.number, stage), request)
            for request in self.live.values()
            for (stage, on), key in request.keys.items()
            if on == unit
        ]
        return sorted(found, key=lambda entry: entry[0])

    # what happens

    def _begin(self) -> None:
        self.said = []
        while True:
            late = [
                (self._latest(r), n) for n, r in self.live.items() if self._latest(r) < self.now
            ]
            if not late:
                return
            self._end(self.live[min(late)[1]], DROPPED)

    def _finish(self) -> list[tuple[Any, ...]]:
        wake = self._dispatch()
        due = min([wake, *(self._latest(r) + 1 for r in self.live.values())])
        if due != NEVER and (self.set_for <= self.now or due < self.set_for):
            self.set_for = int(due)
            self.said.append(timer(self.set_for))
        return self.said

    def _end(self, request: Live, status: RequestStatus) -> None:
        del self.live[request.number]
        self.said.append(finish(request.number, status))

    def _make_room(self, new: Live, terms: Terms) -> None:
        waiting = [r for r in self.live.values() if r.app == new.app and not r.began]
        if terms.capacity is None or len(waiting) <= terms.capacity:
            return
        if terms.full == "reject":
            self._end(new, DROPPED)
            return
        stay = 1 if terms.full == "latest-only" else terms.capacity
        for request in waiting[: len(waiting) - stay]:
            self._end(request, DROPPED)

    def _queue(self, request: Live, stage: int) -> None:
        if self._drops(request) and self.now + self._rest(request.app, stage) > request.deadline:
            self._end(request, DROPPED)
            return
        for unit, ns in self.apps[request.app][0][stage].units:
            if unit not in request.tried.get(stage, ()):
                request.keys[stage, unit] = self._key(request, stage, unit, ns)

    def _key(self, request: Live, stage: int, unit: int, ns: int) -> float:
        terms = self.apps[request.app][1]
        match self.policy:
            case "fifo":
                return request.number
            case "priority":
                return -terms.priority
            case "edf":
                return request.deadline
            case "least-slack":
                return request.deadline - self._rest(request.app, stage)
            case "shortest-expected-latency":
                return self._rest(request.app, stage)
            case "heft":
                return request.arrival - self._rank(request.app, stage)
        tag = max(self.tags.get((request.app, unit), 0), self.clock[unit])
        self.tags[request.app, unit] = tag + ns * 1000 // round(terms.weight * 1000) + 1
        return tag

    def _refuse_behind_backlog(self, request: Live) -> None:
        for stage in sorted(self._queued_stages(request)):
            options = self.apps[request.app][0][stage].units
            ends = [
                self._work_before(unit, (request.keys[stage, unit], request.number, stage)) + ns
                for unit, ns in options
                if unit not in self.downs
            ]
            if not ends:
                continue
            rest = self._rest(request.app, stage) - min(ns for _, ns in options)
            if self.now + min(ends) + rest > request.deadline:
                self._end(request, DROPPED)
                return

    def _work_before(self, unit: int, key: Key) -> int:
        before = max(0, self.busy[unit].end - self.now) if unit in self.busy else 0
        for other, request in self._queue_of(unit):
            if other < key:
                shared = len(self.apps[request.app][0][other[2]].units)
                before += self._ns(request.app, other[2], unit) // shared
        return before

    def _dispatch(self) -> float:
        while True:
            wake, started, skipped = NEVER, False, False
            for unit in range(self.units):
                if unit in self.busy or unit in self.downs:
                    continue
                for (key, _, stage), request in self._queue_of(unit):
                    better, until = self._better_elsewhere(request, stage, unit)
                    if better:
                        wake, skipped = min(wake, until), True
                        continue
                    self._launch(unit, request, stage, key)
                    started = True
                    break
            if not (started and skipped):
                return wake

    def _better_elsewhere(self, request: Live, stage: int, unit: int) -> tuple[bool, float]:
        here = self._ns(request.app, stage, unit)
        for other, ns in self.apps[request.app][0][stage].units:
            if other == unit or other in self.downs or (stage, other) not in request.keys:
                continue
            first = self._queue_of(other)[0][0]
            if first[1:] != (request.number, stage):
                continue
            if other not in self.busy:
                if ns < here:
                    return True, NEVER
                continue
            busy = self.busy[other]
            until = busy.end + (busy.end - busy.start) // 4
            if self.now <= until and max(self.now, busy.end) + ns < self.now + here:
                return True, until + 1
        return False, NEVER

    def _launch(self, unit: int, request: Live, stage: int, key: float) -> None:
        for queued in [k for k in request.keys if k[0] == stage]:
            del request.keys[queued]
        request.began = True
        request.running[stage] = unit
        end = self.now + self._ns(request.app, stage, unit)
        self.busy[unit] = Busy(request=request.number, stage=stage, start=self.now, end=end)
        if self.policy == "weighted-fair":
            self.clock[unit] = max(self.clock[unit], int(key))
        self.said.append(start(unit, request.number, stage))
