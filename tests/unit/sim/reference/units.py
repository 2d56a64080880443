"""Units that run stages in phases, and fail."""

from hetsched.sim.native import work_row
from tests.unit.runtime.reference import NEVER
from tests.unit.sim.randomness import STAGE, exponential, normal, power_of_e, uniforms
from tests.unit.sim.reference.rates import Rates
from tests.unit.sim.reference.state import Request, Stage


class Units(Rates):
    def _start(self, unit: int, number: int, stage: int) -> None:
        request = self.requests[number]
        app, spec = self.apps[request.app], self.soc.units[unit]
        node = app.nodes[stage]
        choice = [at for at, _ in node.units].index(unit)
        row = work_row(app.work(stage, choice), node.units[choice][1], self.soc)
        fixed, transfers, compute, traffic, nbytes, power = row
        self._account(unit)
        if self.now - self.idle_since[unit] > spec.keep_ns:
            fixed += spec.wake_ns or 0
        factor = self._draw(request, stage)
        phases = [("fixed", fixed, -1, -1)]
        phases += [("copy", shared, link, moved) for link, shared, moved in transfers]
        phases += [("compute", compute * factor, -1, -1)]
        timed = [phase for phase in phases if phase[1] > 0]
        self.running[unit] = Stage(
            request=number,
            app=request.app,
            stage=stage,
            phases=timed or [("compute", 0.0, -1, -1)],
            traffic=traffic,
            bytes=nbytes,
            power=power,
            started=self.now,
        )
        self.running[unit].left = self.running[unit].phases[0][1]
        self.sleeps[unit] = NEVER
        self._set_power(unit, self._busy_power(unit))
        self._note(1, unit=unit, request=number, app=request.app, stage=stage)

    def _draw(self, request: Request, stage: int) -> float:
        variation = self.apps[request.app].variation(stage)
        draws = uniforms(self.seed, STAGE, request.app, request.nth, stage)
        if variation.kind == "none":
            return 1.0
        if variation.kind == "lognormal":
            return power_of_e(min(variation.sigma * normal(draws), 700.0))
        if variation.kind == "exponential":
            return exponential(draws)
        position = next(draws) * (len(variation.factors) - 1)
        below = int(position)
        low, high = variation.factors[below], variation.factors[below + 1]
        return low + (high - low) * (position - below)

    def _end_phase(self, unit: int) -> None:
        stage = self.running[unit]
        names = {"unit": unit, "request": stage.request, "app": stage.app, "stage": stage.stage}
        kind, _, _, moved = stage.phases.pop(0)
        if kind == "copy":
            self._note(11, **names, value=moved)
        if stage.phases:
            stage.left, stage.rate = stage.phases[0][1], 0.0
            return
        self._note(2, **names)
        self._stop(unit)
        self._follow(self.dispatcher.done(unit))

    def _stop(self, unit: int) -> None:
        self._account(unit)
        self.busy[unit] += self.now - self.running.pop(unit).started
        self._rest(unit)

    def _outage(self) -> None:
        _, unit, is_return = self.outages.pop(0)
        if is_return:
            self._rest(unit)
            self._note(6, unit=unit)
            self._follow(self.dispatcher.up(unit))
            return
        if unit in self.running:
            stage = self.running[unit]
            self._note(
                4, unit=unit, request=stage.request, app=stage.app, stage=stage.stage, value=1
            )
            self._stop(unit)
        self.sleeps[unit] = NEVER
        self._set_power(unit, 0.0)
        self._note(5, unit=unit)
        self._follow(self.dispatcher.down(unit))
