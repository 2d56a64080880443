"""What a simulation must do, said slowly: every time everything is looked at anew.

Where the simulator computes with fractions (rates, energy, temperatures), both sides do the same
operations of IEEE 754 doubles in the same order, so that results are equal to the last bit. What
runs next is decided by the slow reference of the dispatcher.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from hetsched.dispatch import STATUSES, RequestStatus
from hetsched.sim import Bursty, Closed, Periodic, Poisson, Replay, SimApp, SimSoc
from hetsched.sim.native import load_and_spans, work_row
from tests.unit.runtime.reference import NEVER, Reference
from tests.unit.sim.randomness import (
    ARRIVALS,
    STAGE,
    THINKING,
    TRIGGER,
    exponential,
    normal,
    power_of_e,
    uniforms,
)

RESULT = (RequestStatus.COMPLETED, RequestStatus.MISSED)


@dataclass(kw_only=True)
class Request:
    number: int
    nth: int
    app: int
    arrival: int
    deadline: float
    origin: int
    is_client: bool


@dataclass(kw_only=True)
class Stage:
    request: int
    app: int
    stage: int
    phases: list[tuple[str, float, int, int]]  # kind, ns alone, link, bytes
    traffic: float
    bytes: float
    power: float
    started: int
    left: float = 0.0
    rate: float = 0.0  # 0: the phase is new
    since: int = 0
    end: float = NEVER


class World:
    """One simulation. `trace` gets (time, kind, unit, request, app, stage, value)."""

    def __init__(
        self,
        apps: Sequence[SimApp],
        soc: SimSoc,
        *,
        policy: str,
        duration_ns: int,
        seed: int,
        drain: bool,
        contention: bool,
    ) -> None:
        self.apps, self.soc, self.duration, self.seed = apps, soc, duration_ns, seed
        self.drain = drain
        bandwidth = soc.memory_bytes_per_s if contention else None
        self.bandwidth = bandwidth / 1e9 if bandwidth else 0.0
        terms = [(app.nodes, app.terms) for app in apps]
        self.dispatcher = Reference(len(soc.units), policy, terms)
        self.now = 0
        self.trace: list[tuple[int, ...]] = []
        self.requests: list[Request] = []
        self.counts = [0] * len(apps)
        self.running: dict[int, Stage] = {}
        self.arrivals: list[tuple[float, int, int, str, float | None, int]] = []
        self.serial = 0
        self.timer = NEVER
        self.processes = [self._process(app) for app in range(len(apps))]
        self.thinking = [uniforms(seed, THINKING, app) for app in range(len(apps))]
        self.idle_since = [0] * len(soc.units)
        self.levels = [unit.level for unit in soc.units]
        self.power = [0.0] * len(soc.units)
        self.power_since = [0] * len(soc.units)
        self.energy = [0.0] * len(soc.units)
        self.app_energy = [0.0] * len(apps)
        self.busy = [0] * len(soc.units)
        self.outages = sorted(
            (time, unit, is_return)
            for unit, each in enumerate(soc.units)
            for outage in each.outages
            for time, is_return in zip(outage, (False, True), strict=True)
            if time is not None
        )
        self.look: float = NEVER
        if soc.thermal is not None:
            assert len(soc.thermal.nodes) == 1
            node = soc.thermal.nodes[0]
            self.look = soc.thermal.period_ns
            self.root = math.sqrt(node.capacity_j_per_k)
            self.decay = node.to_air_w_per_k / (self.root * self.root)
            initial = soc.thermal.initial_c
            start = soc.thermal.ambient_c if initial is None else initial
            self.heat = self.root * (start - soc.thermal.ambient_c)
            self.input, self.heat_at = 0.0, 0

    # ---- arrivals

    def _load(self, app: int) -> tuple[list[tuple[float, float, float]], float]:
        """(start ns, shown by then, factor) of each piece, and when requests stop."""
        load, start, stop = load_and_spans(self.apps[app])
        pieces = [(float(start), 0.0, 1.0)]
        for time, factor in load:
            begin, shown, before = pieces[-1]
            if time <= start:
                pieces[-1] = (begin, shown, factor)
            else:
                pieces.append((float(time), shown + (time - begin) * before, factor))
        return pieces, NEVER if stop < 0 else stop

    def _process(self, app: int) -> Iterator[float]:
        pieces, stop = self._load(app)
        for shown in self._shown(app):
            begin, before, factor = [p for p in pieces if p[1] <= shown][-1]
            if factor <= 0:
                return
            time = math.floor(begin + (shown - before) / factor + 0.5)
            if time >= stop:
                return
            yield time

    def _shown(self, app: int) -> Iterator[float]:
        spec = self.apps[app].arrivals
        draws = uniforms(self.seed, ARRIVALS, app)
        match spec:
            case Periodic(rate=rate, jitter_ns=jitter, phase_ns=phase):
                count = 0
                while True:
                    late = next(draws) * jitter if jitter else 0.0
                    yield float(phase) + count * (1e9 / rate) + late
                    count += 1
            case Poisson(rate=rate):
                shown = 0.0
                while True:
                    shown += exponential(draws) * (1e9 / rate)
                    yield shown
            case Bursty():
                yield from self._bursts(spec, draws)
            case Replay(times_ns=times):
                yield from map(float, times)
            case Closed(clients=clients, phase_ns=phase):
                yield from [float(phase)] * clients

    def _bursts(self, spec: Bursty, draws: Iterator[float]) -> Iterator[float]:
        begin = 0.0
        while True:
            end = begin + (exponential(draws) * spec.on_ns if spec.is_random else spec.on_ns)
            shown = begin + exponential(draws) * (1e9 / spec.rate)
            while shown <= end:
                yield shown
                shown += exponential(draws) * (1e9 / spec.rate)
            begin = end + (exponential(draws) * spec.off_ns if spec.is_random else spec.off_ns)

    def _again(self, app: int) -> float:
        spec = self.apps[app].arrivals
        assert isinstance(spec, Closed)
        left = exponential(self.thinking[app]) * spec.think_ns if spec.is_random else spec.think_ns
        pieces, stop = self._load(app)
        at = float(self.now)
        first = max([i for i, piece in enumerate(pieces) if piece[0] <= at], default=0)
        for index in range(first, len(pieces)):
            factor = pieces[index][2]
            until = pieces[index + 1][0] if index + 1 < len(pieces) else NEVER
            if factor > 0:
                due = at + left / factor
                if due <= until:
                    time = math.floor(due + 0.5)
                    return time if time < stop else NEVER
                left -= (until - at) * factor
            at = until
        return NEVER

    def _push(
        self, time: float, app: int, source: str, deadline: float | None = None, origin: int = -1
    ) -> None:
        if time == NEVER or (source != "trigger" and time >= self.duration):
            return
        self.arrivals.append((time, app, self.serial, source, deadline, origin))
        self.serial += 1

    def _pull(self, app: int) -> None:
        self._push(max(next(self.processes[app], NEVER), self.now), app, "process")

    # ---- time

    def run(self) -> "World":
        for app, each in enumerate(self.apps):
            clients = each.arrivals.clients if isinstance(each.arrivals, Closed) else 1
            for _ in range(clients):
                self._pull(app)
            self._note(7, app=app, value=app)
        for unit, spec in enumerate(self.soc.units):
            self._set_power(unit, spec.idle_mw or 0.0)
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
        times = [end[0], outage, self.look, arrival, self.timer]
        time = min(times)
        if time == NEVER:
            return False
        what = times.index(time)
        if time > self.duration:
            if not self.drain or not (self.dispatcher.live or self.arrivals):
                return False
            if what == 2 and min(end[0], outage, arrival, self.timer) == NEVER:
                return False
        self.now = self.dispatcher.now = int(time)
        if what == 0:
            self._end_phase(end[1])
        elif what == 1:
            self._outage()
        elif what == 2:
            self._look()
        elif what == 3:
            self._arrive()
        else:
            self.timer = NEVER
            self._follow(self.dispatcher.timer())
        self._set_rates()
        return True

    def _note(
        self, kind: int, *, unit: int = -1, request: int = -1, app: int = -1, stage: int = -1,
        value: int = -1,
    ) -> None:  # fmt: skip
        self.trace.append((self.now, kind, unit, request, app, stage, value))

    # ---- requests

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
        value = -1 if request.deadline == NEVER else int(request.deadline - self.now)
        self._note(0, request=request.number, app=app, value=value)
        self._follow([action for action in said if action not in others])

    def _follow(self, said: Sequence[tuple[Any, ...]]) -> None:
        for action in list(said):
            if action[0] == "start":
                self._start(*action[1:])
            elif action[0] == "finish":
                self._finished(*action[1:])
            else:
                self.timer = action[1]

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

    # ---- units

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
        self.idle_since[unit] = self.now
        self._set_power(unit, self.soc.units[unit].idle_mw or 0.0)

    def _outage(self) -> None:
        _, unit, is_return = self.outages.pop(0)
        if is_return:
            self.idle_since[unit] = self.now
            self._set_power(unit, self.soc.units[unit].idle_mw or 0.0)
            self._note(6, unit=unit)
            self._follow(self.dispatcher.up(unit))
            return
        if unit in self.running:
            stage = self.running[unit]
            self._note(
                4, unit=unit, request=stage.request, app=stage.app, stage=stage.stage, value=1
            )
            self._stop(unit)
        self._set_power(unit, 0.0)
        self._note(5, unit=unit)
        self._follow(self.dispatcher.down(unit))

    # ---- rates

    def _slowdown(self, unit: int) -> float:
        spec = self.soc.units[unit]
        if not spec.levels:
            return 1.0
        return (spec.reference_hz or spec.levels[0].hz) / self._hz(unit)

    def _hz(self, unit: int) -> float:
        return self.soc.units[unit].levels[self.levels[unit]].hz

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

    # ---- power and heat

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
