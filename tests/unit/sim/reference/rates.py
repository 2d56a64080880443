"""How fast stages go on while others run."""

import math

from tests.unit.sim.reference.power import Power


class Rates(Power):
    def _slowdown(self, unit: int) -> float:
        spec = self.soc.units[unit]
        if not spec.levels:
            return 1.0
        return (spec.reference_hz or spec.levels[0].hz) / self._hz(unit)

    def _set_rates(self) -> None:
        factor = self._memory_factor() if self.bandwidth else 1.0
        for unit in sorted(self.running):
            stage = self.running[unit]
            rate = self._rate(unit, factor)
            if rate == stage.rate:
                continue
            if stage.rate:
                stage.left = max(stage.left - (self.now - stage.since) * stage.rate, 0.0)
            stage.since, stage.rate = self.now, rate
            stage.end = self.now + math.ceil(stage.left / rate)

    def _rate(self, unit: int, factor: float) -> float:
        stage = self.running[unit]
        kind, _, link, _ = stage.phases[0]
        if kind == "fixed":
            return 1.0
        if kind == "copy":
            return 1.0 / sum(
                each.phases[0][0] == "copy" and each.phases[0][2] == link
                for each in self.running.values()
            )
        slowdown = self._slowdown(unit)
        if slowdown == 1.0 and factor == 1.0:
            return 1.0
        return 1.0 / ((1.0 - stage.traffic) * slowdown + stage.traffic * factor)

    def _memory_factor(self) -> float:
        asking = [
            ((1.0 - stage.traffic) * self._slowdown(unit), stage.traffic, stage.bytes)
            for unit, stage in sorted(self.running.items())
            if stage.phases[0][0] == "compute" and stage.bytes > 0
        ]
        factor = 1.0
        for _ in range(64):
            taken = slope = 0.0
            for arithmetic, traffic, nbytes in asking:
                time = arithmetic + traffic * factor
                taken += nbytes / time
                slope += nbytes / time * traffic / time
            if taken <= self.bandwidth:
                break
            following = factor + (taken - self.bandwidth) / slope
            if following >= 1e6:
                return 1e6
            is_close = following - factor <= 1e-12 * factor
            factor = following
            if is_close:
                break
        return factor
