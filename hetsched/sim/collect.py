"""From the native side's counters to a `SimResult`."""

from collections.abc import Sequence

import numpy as np

from hetsched import __version__
from hetsched._core import Simulation
from hetsched.dispatch import Policy, StaticOrder
from hetsched.sim.model import SimApp
from hetsched.sim.result import (
    EXACT,
    REQUEST,
    ROUNDED,
    AppResult,
    NodeResult,
    Series,
    SimResult,
    UnitResult,
)
from hetsched.sim.soc import SimSoc
from hetsched.sim.unknown import powers_known, unit_power_known, unknown
from hetsched.trace import Trace, TraceApp, TraceHeader, TraceUnit

_UJ_PER_PJ = 1e-6


def collect(
    native: Simulation,
    apps: Sequence[SimApp],
    soc: SimSoc,
    *,
    policy: Policy,
    seed: int,
    duration_ns: int,
    contention: bool,
    wall_s: float,
    memory: dict[str, int],
    requests: list[bytes] | None,
    trace: np.ndarray | None,
    lost: int,
) -> SimResult:
    """What a simulation that is over has found."""
    units = tuple(_unit(native, soc, index) for index in range(len(soc.units)))
    return SimResult(
        soc=soc.name,
        policy=policy_name(policy),
        seed=seed,
        duration_ns=duration_ns,
        end_ns=native.now_ns,
        apps=tuple(_app(native, app, soc, index) for index, app in enumerate(apps)),
        units=units,
        nodes=_nodes(native, soc),
        events=native.events,
        stages=sum(unit.stages for unit in units),
        wall_s=wall_s,
        unknown=(*unknown(apps, soc, contention=contention), *_too_hot(soc, units, native.now_ns)),
        peak_memory_bytes=memory,
        series=_series(native, len(apps), soc),
        requests=None if requests is None else np.frombuffer(b"".join(requests), REQUEST),
        trace=None if trace is None else _trace(trace, lost, apps, soc, policy, seed),
    )


def _too_hot(soc: SimSoc, units: tuple[UnitResult, ...], end_ns: int) -> tuple[str, ...]:
    """Whether units drew more than can be drawn for ever, where no heat was simulated."""
    if soc.thermal is not None or soc.sustained_mw is None:
        return ()
    mean_mw = sum(unit.energy_uj or 0 for unit in units) / end_ns * 1e6
    if mean_mw <= soc.sustained_mw:
        return ()
    return (
        f"throttling: units drew {mean_mw / 1000:.2f} W in the mean, {soc.name} sustains "
        f"{soc.sustained_mw / 1000:.2f} W: a real one slows down after a while",
    )


def policy_name(policy: Policy) -> str:
    """For people."""
    if isinstance(policy, StaticOrder):
        return "static"
    return policy if isinstance(policy, str) else "custom"


def _app(native: Simulation, app: SimApp, soc: SimSoc, index: int) -> AppResult:
    found = native.app(index)
    completed, missed, dropped, cancelled, failed = found["ended"]
    quantiles = [None if each < 0 else each for each in found["quantiles_ns"]]
    p50, p90, p95, p99, p999 = quantiles
    results = found["results"]
    return AppResult(
        name=app.name,
        requests=found["requests"],
        completed=completed,
        missed=missed,
        dropped=dropped,
        cancelled=cancelled,
        failed=failed,
        in_flight=found["requests"] - sum(found["ended"]),
        p50_ns=p50,
        p90_ns=p90,
        p95_ns=p95,
        p99_ns=p99,
        p999_ns=p999,
        mean_ns=found["latency_sum_ns"] / results if results else None,
        max_ns=found["latency_most_ns"] if results else None,
        energy_uj=round(found["energy_pj"] * _UJ_PER_PJ) if powers_known(app, soc) else None,
        percentiles=EXACT if found["is_exact"] else ROUNDED,
    )


def _unit(native: Simulation, soc: SimSoc, index: int) -> UnitResult:
    busy, energy, stages, throttled, throttled_at = native.unit(index)
    return UnitResult(
        name=soc.units[index].name,
        utilization=busy / native.now_ns,
        busy_ns=busy,
        stages=stages,
        energy_uj=round(energy * _UJ_PER_PJ) if unit_power_known(soc, index) else None,
        throttled_ns=throttled,
        throttled_at_ns=None if throttled_at < 0 else throttled_at,
    )


def _nodes(native: Simulation, soc: SimSoc) -> tuple[NodeResult, ...]:
    if soc.thermal is None:
        return ()
    return tuple(
        NodeResult(name=node.name, highest_c=highest, last_c=last)
        for node, highest, last in zip(
            soc.thermal.nodes, native.hottest(), native.temperatures(), strict=True
        )
    )


def _series(native: Simulation, apps: int, soc: SimSoc) -> Series | None:
    units = len(soc.units)
    nodes = 0 if soc.thermal is None else len(soc.thermal.nodes)
    width = 2 + 3 * units + 4 * apps + nodes
    rows = np.frombuffer(native.ticks(), np.float64).reshape(-1, width)
    if not len(rows):
        return None
    time = rows[:, 0]
    step = np.diff(time, prepend=0.0)[:, None]
    by_unit = rows[:, 2 : 2 + 3 * units].reshape(-1, units, 3)
    by_app = rows[:, 2 + 3 * units : 2 + 3 * units + 4 * apps].reshape(-1, apps, 4)
    came = np.diff(by_app, axis=0, prepend=0.0).astype(np.int64)
    used = np.diff(by_unit[:, :, :2], axis=0, prepend=0.0)
    return Series(
        time_ns=time.astype(np.int64),
        live=rows[:, 1].astype(np.int64),
        utilization=used[:, :, 0] / step,
        power_mw=used[:, :, 1] / step,
        clock_hz=by_unit[:, :, 2],
        requests=came[:, :, 0],
        completed=came[:, :, 1],
        missed=came[:, :, 2],
        dropped=came[:, :, 3],
        temperature_c=rows[:, width - nodes :],
    )


def trace_header(soc: SimSoc, policy: Policy, seed: int) -> TraceHeader:
    """What a simulation's trace begins with."""
    return TraceHeader(
        origin="simulated",
        clock="virtual",
        units=tuple(TraceUnit(name=unit.name) for unit in soc.units),
        versions={"hetsched": __version__},
        profile=soc.name,
        about={"policy": policy_name(policy), "seed": str(seed)},
    )


def trace_apps(apps: Sequence[SimApp]) -> tuple[TraceApp, ...]:
    """Names for a simulation's trace."""
    return tuple(
        TraceApp(
            number=number,
            name=app.name,
            stages=app.stage_names or tuple(f"s{index}" for index in range(len(app.nodes))),
        )
        for number, app in enumerate(apps)
    )


def _trace(
    events: np.ndarray,
    lost: int,
    apps: Sequence[SimApp],
    soc: SimSoc,
    policy: Policy,
    seed: int,
) -> Trace:
    return Trace(
        header=trace_header(soc, policy, seed),
        apps=trace_apps(apps),
        events=events,
        lost=lost,
    )
