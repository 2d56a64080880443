"""Requests that come and end."""

from hetsched.dispatch import STATUSES, RequestStatus
from hetsched.sim import Closed, SimApp
from tests.unit.runtime.reference import NEVER
from tests.unit.sim.randomness import TRIGGER, uniforms
from tests.unit.sim.reference.arrivals import Arrivals
from tests.unit.sim.reference.power import Power
from tests.unit.sim.reference.state import RESULT, Request


class Requests(Arrivals, Power):
    def _arrive(self) -> None:
        first = min(self.arrivals)
        self.arrivals.remove(first)
        _, app, _, source, deadline, origin = first
        spec = self.apps[app]
        if source == "process" and not isinstance(spec.arrivals, Closed):
            self._pull(app)
        left = None if deadline is None else max(deadline - self.now, 1)
        own = NEVER if spec.terms.deadline_ns is None else self.now + spec.terms.deadline_ns
        request = Request(
            number=len(self.requests),
            nth=self.counts[app],
            app=app,
            arrival=self.now,
            deadline=own if deadline is None else deadline,
            origin=self.now if origin < 0 else origin,
            is_client=source != "trigger" and isinstance(spec.arrivals, Closed),
        )
        self.counts[app] += 1
        said = list(self.dispatcher.submit(app, left))
        others = [a for a in said if a[0] == "finish" and a[1] != request.number]
        self._follow(others)
        self.requests.append(request)
        if spec.timeout_ns is not None:
            self.timeouts.append((self.now + spec.timeout_ns, request.number))
        value = -1 if request.deadline == NEVER else int(request.deadline - self.now)
        self._note(0, request=request.number, app=app, value=value)
        self._follow([action for action in said if action not in others])

    def _finished(self, number: int, status: RequestStatus) -> None:
        request = self.requests[number]
        app = request.app
        for unit, stage in self.running.items():
            if status not in RESULT and stage.request == number:
                self._account(unit)
        if status in RESULT:
            for other, target in enumerate(self.apps):
                self._trigger(request, other, target)
        self._note(3, request=number, app=app, value=STATUSES.index(status))
        if request.is_client:
            self._push(self._again(app), app, "client")

    def _trigger(self, request: Request, other: int, target: SimApp) -> None:
        for index, trigger in enumerate(target.triggers):
            spans = target.active or ((0, None),)
            is_there = any(a <= self.now and (b is None or self.now < b) for a, b in spans)
            is_over = self.now >= self.duration and not self.drain
            if self.apps[request.app].name != trigger.after or not is_there or is_over:
                continue
            draws = uniforms(self.seed, TRIGGER, request.app, request.nth, other, index)
            if trigger.probability < 1 and next(draws) >= trigger.probability:
                continue
            deadline = request.deadline if trigger.deadline == "origin" else None
            for _ in range(trigger.count):
                self._push(self.now, other, "trigger", deadline, request.origin)

    def _patience(self) -> float:
        """When the next caller that still waits has waited long enough."""
        self.timeouts = [each for each in self.timeouts if each[1] in self.dispatcher.live]
        return min(self.timeouts, default=(NEVER, -1))[0]

    def _time_out(self) -> None:
        first = min(self.timeouts)
        self.timeouts.remove(first)
        self._follow(self.dispatcher.cancel(first[1]))
