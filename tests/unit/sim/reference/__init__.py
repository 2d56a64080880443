"""What a simulation must do, said slowly: every time everything is looked at anew.

Where the simulator computes with fractions (rates, energy, temperatures), both sides do the same
operations of IEEE 754 doubles in the same order, so that results are equal to the last bit. What
runs next is decided by the slow reference of the dispatcher.
"""

from collections.abc import Callable, Sequence
from typing import Any

from hetsched.sim import Closed
from tests.unit.runtime.reference import NEVER
from tests.unit.sim.reference.requests import Requests
from tests.unit.sim.reference.units import Units


class World(Requests, Units):
    """One simulation."""

    def run(self) -> "World":
        self._open()
        for app, each in enumerate(self.apps):
            clients = each.arrivals.clients if isinstance(each.arrivals, Closed) else 1
            for _ in range(clients):
                self._pull(app)
            self._note(7, app=app, value=app)
        for unit, spec in enumerate(self.soc.units):
            self._rest(unit)
            if spec.levels:
                self._note(8, unit=unit, value=int(self._hz(unit)))
        while self._advance():
            pass
        self.now = max(self.now, self.duration)
        for unit in range(len(self.soc.units)):
            self._account(unit)
            if unit in self.running:
                self.busy[unit] += self.now - self.running[unit].started
        return self

    def _advance(self) -> bool:
        ends = [(stage.end, unit) for unit, stage in self.running.items()]
        arrival = min(self.arrivals)[0] if self.arrivals else NEVER
        outage = self.outages[0][0] if self.outages else NEVER
        end = min(ends, default=(NEVER, -1))
        sleep, patience = min(self.sleeps), self._patience()
        steps: list[tuple[float, Callable[[], None]]] = [
            (end[0], lambda: self._end_phase(end[1])),
            (sleep, self._sleep),
            (outage, self._outage),
            (self.look, self._look),
            (patience, self._time_out),
            (arrival, self._arrive),
            (self.timer, self._tell_time),
        ]
        time, happen = min(steps, key=lambda step: step[0])  # the first of equal ones
        if time == NEVER:
            return False
        if time > self.duration:
            if not self.drain or not (self.dispatcher.live or self.arrivals):
                return False
            is_stuck = min(end[0], outage, patience, arrival, self.timer) == NEVER
            if happen in (self._look, self._sleep) and is_stuck:
                return False
        self.now = self.dispatcher.now = int(time)
        happen()
        self._set_rates()
        return True

    def _tell_time(self) -> None:
        self.timer = NEVER
        self._follow(self.dispatcher.timer())

    def _follow(self, said: Sequence[tuple[Any, ...]]) -> None:
        for action in list(said):
            if action[0] == "start":
                self._start(*action[1:])
            elif action[0] == "finish":
                self._finished(*action[1:])
            else:
                self.timer = action[1]
