"""Power, energy and heat."""

from tests.unit.runtime.reference import NEVER
from tests.unit.sim.randomness import power_of_e
from tests.unit.sim.reference.state import State


class Power(State):
    def _account(self, unit: int) -> None:
        energy = self.power[unit] * (self.now - self.power_since[unit])
        self.power_since[unit] = self.now
        self.energy[unit] += energy
        if unit in self.running:
            self.app_energy[self.running[unit].app] += energy

    def _set_power(self, unit: int, mw: float) -> None:
        if mw == self.power[unit]:
            return
        self._account(unit)
        thermal = self.soc.thermal
        if thermal is not None and self.soc.units[unit].name in thermal.nodes[0].units:
            self._warm()
            self.input += 1.0 / self.root * ((mw - self.power[unit]) * 1e-3)
        self.power[unit] = mw

    def _busy_power(self, unit: int) -> float:
        spec, own = self.soc.units[unit], self.running[unit].power
        plain = spec.power_mw or 0.0
        now, reference = plain, plain
        if spec.levels:
            level = spec.levels[self.levels[unit]].power_mw
            now = plain if level is None else level
            at = [x.power_mw or plain for x in spec.levels if x.hz == spec.levels[0].hz]
            reference = plain or at[0]
        if own < 0:
            return now
        return own * (now / reference) if reference > 0 else own

    def _warm(self) -> None:
        if self.now == self.heat_at:
            return
        seconds = (self.now - self.heat_at) * 1e-9
        self.heat_at = self.now
        target = self.input / self.decay
        self.heat = target + (self.heat - target) * power_of_e(-self.decay * seconds)

    def _look(self) -> None:
        thermal = self.soc.thermal
        assert thermal is not None
        self.look += thermal.period_ns
        self._warm()
        degrees = thermal.ambient_c + self.heat / self.root
        self._note(9, stage=0, value=int(degrees * 1000.0))
        for zone in thermal.zones:
            step = 1 if degrees >= zone.trip_c else -(degrees < zone.trip_c - zone.hysteresis_c)
            for unit, spec in enumerate(self.soc.units):
                if spec.name not in zone.units:
                    continue
                level = max(self.levels[unit] + step, spec.level)
                level = min(level, max(len(spec.levels) - 1, 0))
                if level == self.levels[unit]:
                    continue
                self.levels[unit] = level
                if unit in self.running:
                    self._set_power(unit, self._busy_power(unit))
                self._note(8, unit=unit, value=int(self._hz(unit)))

    def _hz(self, unit: int) -> float:
        return self.soc.units[unit].levels[self.levels[unit]].hz

    def _rest(self, unit: int) -> None:
        spec = self.soc.units[unit]
        self.idle_since[unit] = self.now
        self._set_power(unit, spec.idle_mw or 0.0)
        if spec.sleep_mw is not None:
            self.sleeps[unit] = self.now + spec.keep_ns

    def _sleep(self) -> None:
        unit = self.sleeps.index(self.now)
        self.sleeps[unit] = NEVER
        self._set_power(unit, self.soc.units[unit].sleep_mw or 0.0)
