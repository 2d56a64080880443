"""What a simulated world consists of at a moment."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hetsched.dispatch import RequestStatus
from hetsched.sim import SimApp, SimSoc
from tests.unit.runtime.reference import NEVER, Reference

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


class State:
    """`trace` gets (time, kind, unit, request, app, stage, value)."""

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
        self.idle_since = [0] * len(soc.units)
        self.sleeps = [NEVER] * len(soc.units)
        self.timeouts: list[tuple[float, int]] = []
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

    def _note(
        self, kind: int, *, unit: int = -1, request: int = -1, app: int = -1, stage: int = -1,
        value: int = -1,
    ) -> None:  # fmt: skip
        self.trace.append((self.now, kind, unit, request, app, stage, value))

    def _follow(self, said: Sequence[tuple[Any, ...]]) -> None:
        raise NotImplementedError
