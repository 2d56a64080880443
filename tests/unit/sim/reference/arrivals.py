"""When requests come."""

import math
from collections.abc import Iterator

from hetsched.sim import Bursty, Closed, Periodic, Poisson, Replay
from hetsched.sim.native import load_and_spans
from tests.unit.runtime.reference import NEVER
from tests.unit.sim.randomness import ARRIVALS, THINKING, exponential, uniforms
from tests.unit.sim.reference.state import State


class Arrivals(State):
    def _open(self) -> None:
        apps = range(len(self.apps))
        self.processes = [self._process(app) for app in apps]
        self.thinking = [uniforms(self.seed, THINKING, app) for app in apps]

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
