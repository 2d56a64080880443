"""What a simulation found: the figures of `hetsched simulate --json`."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from hetsched.trace import Trace

REQUEST = np.dtype(
    [
        ("request", "<i8"),
        ("arrival_ns", "<i8"),
        ("deadline_ns", "<i8"),
        ("end_ns", "<i8"),
        ("origin_ns", "<i8"),
        ("energy_uj", "<f8"),
        ("app", "<i4"),
        ("status", "<i4"),
    ]
)
"""One request that has ended: its deadline on the simulation's clock, -1 for none; the arrival of
the request that it goes back to, its own where no other triggered it; index in
`hetsched.dispatch.STATUSES`."""

EXACT = "exact"
ROUNDED = "within 0.4%"
"""Percentiles of over 8192 results: 128 buckets per power of two, the middle of one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AppResult:
    """One app.

    requests = completed + missed + dropped + cancelled + failed + in_flight.

    Attributes:
        name: the app's.
        requests: that came.
        completed: ended in time.
        missed: ended late.
        dropped: not run to their end.
        cancelled: by whom had asked.
        failed: no unit could run them.
        in_flight: when the simulation was over.
        p50_ns: of requests with a result, from their arrival to their end; None without any.
        p90_ns: likewise.
        p95_ns: likewise.
        p99_ns: likewise.
        p999_ns: likewise.
        mean_ns: likewise.
        max_ns: likewise.
        energy_uj: while its stages ran; None where a unit's power isn't known.
        percentiles: `exact`, or how far they may be off.
    """

    name: str
    requests: int
    completed: int
    missed: int
    dropped: int
    cancelled: int
    failed: int
    in_flight: int
    p50_ns: int | None
    p90_ns: int | None
    p95_ns: int | None
    p99_ns: int | None
    p999_ns: int | None
    mean_ns: float | None
    max_ns: int | None
    energy_uj: int | None
    percentiles: str

    @property
    def miss_rate(self) -> float | None:
        """(missed + dropped + failed) / (requests - cancelled - in_flight); None for 0 / 0."""
        counted = self.requests - self.cancelled - self.in_flight
        return (self.missed + self.dropped + self.failed) / counted if counted else None

    @property
    def drop_rate(self) -> float | None:
        """Dropped / (requests - cancelled - in_flight); None for 0 / 0."""
        counted = self.requests - self.cancelled - self.in_flight
        return self.dropped / counted if counted else None


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitResult:
    """One unit.

    Attributes:
        name: the unit's.
        utilization: share of the time in which it ran a stage.
        busy_ns: the same as time.
        stages: that ended there.
        energy_uj: running and idle; None where its power isn't known.
        throttled_ns: for how long its clock was lower than at the beginning.
        throttled_at_ns: when that was so for the first time; None for never.
    """

    name: str
    utilization: float
    busy_ns: int
    stages: int
    energy_uj: int | None
    throttled_ns: int = 0
    throttled_at_ns: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeResult:
    """A node of the heat network: the highest temperature that a look found, and the last."""

    name: str
    highest_c: float
    last_c: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Series:
    """What happened from one snapshot to the next; equally long, (T,) snapshots.

    Attributes:
        time_ns: of each snapshot, (T,).
        live: requests under way then, (T,).
        utilization: per unit, (T, U).
        power_mw: per unit in the mean, (T, U); 0 where unknown.
        clock_hz: per unit at the snapshot, (T, U); 0 where unknown.
        requests: that came, per app, (T, A).
        completed: per app, (T, A).
        missed: per app, (T, A).
        dropped: per app, (T, A).
        temperature_c: per node at the snapshot, (T, N).
    """

    time_ns: np.ndarray
    live: np.ndarray
    utilization: np.ndarray
    power_mw: np.ndarray
    clock_hz: np.ndarray
    requests: np.ndarray
    completed: np.ndarray
    missed: np.ndarray
    dropped: np.ndarray
    temperature_c: np.ndarray

    def to_dict(self) -> dict[str, Any]:
        """For JSON: lists, without rounding."""
        return {name: getattr(self, name).tolist() for name in self.__slots__}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SimResult:
    """Everything that a simulation found. All but `wall_s` is the same for the same seed.

    Attributes:
        soc: its name.
        policy: its name; `custom` for a function.
        seed: of everything random.
        duration_ns: for how long requests came.
        end_ns: when the simulation was over.
        apps: in the order in which they were given.
        units: in the SoC's order.
        nodes: of the heat network; empty where there is none.
        events: handled.
        stages: ended on all units.
        wall_s: how long the simulation took.
        unknown: effects that are left out because their numbers aren't known.
        peak_memory_bytes: per unit, and "" for all together: what apps hold at most at once.
        series: None where none was asked for.
        requests: each request that has ended, dtype `REQUEST`, (N,); None unless asked for.
        trace: None unless asked for.
    """

    soc: str
    policy: str
    seed: int
    duration_ns: int
    end_ns: int
    apps: tuple[AppResult, ...]
    units: tuple[UnitResult, ...]
    nodes: tuple[NodeResult, ...]
    events: int
    stages: int
    wall_s: float
    unknown: tuple[str, ...]
    peak_memory_bytes: dict[str, int]
    series: Series | None
    requests: np.ndarray | None
    trace: Trace | None

    def app(self, name: str) -> AppResult:
        """The app of that name.

        Raises:
            KeyError: when there is none.
        """
        for app in self.apps:
            if app.name == name:
                return app
        raise KeyError(name)

    @property
    def energy_uj(self) -> int | None:
        """Of all units; None where one's power isn't known."""
        known = [unit.energy_uj for unit in self.units if unit.energy_uj is not None]
        return sum(known) if len(known) == len(self.units) else None

    @property
    def miss_rate(self) -> float | None:
        """Of all apps' requests together; None without any."""
        counted = sum(app.requests - app.cancelled - app.in_flight for app in self.apps)
        lost = sum(app.missed + app.dropped + app.failed for app in self.apps)
        return lost / counted if counted else None

    def to_dict(self) -> dict[str, Any]:
        """The object that `hetsched simulate --json` prints."""
        return {
            "schema": 1,
            "soc": self.soc,
            "policy": self.policy,
            "seed": self.seed,
            "duration_ns": self.duration_ns,
            "end_ns": self.end_ns,
            "apps": [_fields(app) | {"miss_rate": app.miss_rate} for app in self.apps],
            "units": [_fields(unit) for unit in self.units],
            "temperatures": [_fields(node) for node in self.nodes],
            "events": self.events,
            "stages": self.stages,
            "wall_s": self.wall_s,
            "unknown": list(self.unknown),
            "peak_memory_bytes": self.peak_memory_bytes,
            "series": None if self.series is None else self.series.to_dict(),
        }


def _fields(struct: AppResult | UnitResult | NodeResult) -> dict[str, Any]:
    return {name: getattr(struct, name) for name in struct.__slots__}
