"""From the simulator's words to rows of numbers for `hetsched._core.Simulation`."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from hetsched._core import Arrivals as NativeArrivals
from hetsched._core import Simulation
from hetsched.dispatch import Candidate, Choose, Policy, StaticOrder, app_terms
from hetsched.errors import SimError
from hetsched.sim.arrivals import Bursty, Closed, Periodic, Poisson, Replay
from hetsched.sim.model import SimApp, StageWork, Variation
from hetsched.sim.soc import SimSoc, SimUnit, Thermal

if TYPE_CHECKING:
    from hetsched._core import HeatRow, NativePolicy, SimUnitRow

_VARIATIONS = ("none", "lognormal", "exponential", "quantiles")


def build(
    apps: Sequence[SimApp],
    soc: SimSoc,
    *,
    policy: Policy,
    duration_ns: int,
    seed: int,
    drain: bool,
    traces: bool,
    keeps_requests: bool,
    ticks: int,
    contention: bool,
) -> Simulation:
    """A native simulation of checked apps.

    Raises:
        SimError: naming a policy that doesn't exist.
    """
    bandwidth = soc.memory_bytes_per_s if contention else None
    try:
        simulation = Simulation(
            [_unit(unit, soc) for unit in soc.units],
            _policy(policy),
            heat=None if soc.thermal is None else _heat(soc.thermal, soc),
            seed=seed % 2**64,
            duration_ns=duration_ns,
            drains=drain,
            traces=traces,
            keeps_requests=keeps_requests,
            ticks=ticks,
            memory_bytes_per_ns=0.0 if bandwidth is None else bandwidth / 1e9,
            links=len(soc.links),
        )
    except ValueError as error:
        raise SimError(str(error)) from error
    numbers = {app.name: number for number, app in enumerate(apps)}
    for app in apps:
        turn = policy.turn(app.name) if isinstance(policy, StaticOrder) else -1
        _add(simulation, app, soc, numbers, turn)
    return simulation


def _policy(policy: Policy) -> "NativePolicy":
    if isinstance(policy, str):
        return policy
    if isinstance(policy, StaticOrder):
        return [policy.turn(name) for name in policy.apps]
    chosen: Choose = policy

    def choose(unit: int, now_ns: int, rows: Sequence[tuple[int, ...]]) -> int:
        return chosen(unit, now_ns, [Candidate(*row) for row in rows])

    return choose


def _unit(unit: SimUnit, soc: SimSoc) -> "SimUnitRow":
    power = unit.power_mw or 0.0
    reference = unit.reference_hz or (unit.levels[0].hz if unit.levels else 0.0)
    levels = [
        (level.hz, reference / level.hz, power if level.power_mw is None else level.power_mw)
        for level in unit.levels
    ] or [(0.0, 1.0, power)]
    nodes = soc.thermal.nodes if soc.thermal is not None else ()
    node = next((i for i, each in enumerate(nodes) if unit.name in each.units), -1)
    outages = [(down, -1 if up is None else up) for down, up in unit.outages]
    idle = unit.idle_mw or 0.0
    at = power or next((mw for hz, _, mw in levels if hz == reference), 0.0)
    sleep = -1.0 if unit.sleep_mw is None else unit.sleep_mw
    return levels, unit.level, at, idle, unit.keep_ns, unit.wake_ns or 0, outages, node, sleep


def _heat(thermal: Thermal, soc: SimSoc) -> "HeatRow":
    nodes = [node.name for node in thermal.nodes]
    units = [unit.name for unit in soc.units]
    initial = thermal.ambient_c if thermal.initial_c is None else thermal.initial_c
    return (
        [node.capacity_j_per_k for node in thermal.nodes],
        [node.to_air_w_per_k for node in thermal.nodes],
        [(nodes.index(e.first), nodes.index(e.second), e.w_per_k) for e in thermal.edges],
        thermal.ambient_c,
        initial,
        thermal.period_ns,
        [
            (nodes.index(z.node), z.trip_c, z.hysteresis_c, [units.index(u) for u in z.units])
            for z in thermal.zones
        ],
    )


def _add(
    simulation: Simulation, app: SimApp, soc: SimSoc, numbers: dict[str, int], turn: int
) -> None:
    stages = []
    for stage, node in enumerate(app.nodes):
        works = [
            work_row(app.work(stage, choice), expected, soc)
            for choice, (_, expected) in enumerate(node.units)
        ]
        stages.append((works, _variation(app.variation(stage))))
    triggers = [
        (numbers[each.after], each.probability, each.count, each.deadline == "origin")
        for each in app.triggers
    ]
    terms = app_terms(app.terms, turn)
    terms["drops_late"] = app.terms.late == "drop"  # deadlines may come from an app's triggers too
    try:
        simulation.add(
            [(node.after, node.units) for node in app.nodes],
            stages,
            _arrivals(app),
            triggers,
            timeout_ns=-1 if app.timeout_ns is None else app.timeout_ns,
            **terms,
        )
    except ValueError as error:
        raise SimError(f"app {app.name!r}: {error}") from error


def work_row(
    work: StageWork, expected_ns: int, soc: SimSoc
) -> tuple[float, list[tuple[int, float, int]], float, float, float, float]:
    """Fixed ns, transfers, ns of computing, share of it that is traffic, bytes per ns, mW."""
    whole = expected_ns if work.time_ns is None else work.time_ns
    transfers = [
        (use.link, float(soc.links[use.link].shared_ns(use.nbytes)), use.nbytes)
        for use in work.transfers
    ]
    fixed = work.dispatch_ns + sum(use.fixed_ns for use in work.transfers)
    compute = whole - fixed - sum(shared for _, shared, _ in transfers)
    power = -1.0 if work.power_mw is None else float(work.power_mw)
    transfers = [each for each in transfers if each[1] > 0]
    if not work.dram_bytes or compute <= 0:
        return float(fixed), transfers, float(compute), 0.0, 0.0, power
    traffic = compute if work.traffic_ns is None else min(work.traffic_ns, compute)
    return (
        float(fixed),
        transfers,
        float(compute),
        traffic / compute,
        work.dram_bytes / compute,
        power,
    )


def _variation(variation: Variation) -> tuple[int, float, tuple[float, ...]]:
    return _VARIATIONS.index(variation.kind), variation.sigma, variation.factors


def load_and_spans(app: SimApp) -> tuple[tuple[tuple[int, float], ...], int, int]:
    """Load with 0 between an app's spans, its start and its stop (-1: never)."""
    if not app.active:
        return app.load, 0, -1
    start, stop = app.active[0][0], app.active[-1][1]
    times = {time for time, _ in app.load} | {
        t for span in app.active for t in span if t is not None
    }
    pieces = []
    for time in sorted(times):
        factor = next((f for at, f in reversed(app.load) if at <= time), 1.0)
        there = any(a <= time and (b is None or time < b) for a, b in app.active)
        pieces.append((time, factor if there else 0.0))
    return tuple(pieces), start, -1 if stop is None else stop


def _arrivals(app: SimApp) -> NativeArrivals:
    load, start, stop = load_and_spans(app)
    spec = app.arrivals
    kind = {Periodic: 1, Poisson: 2, Bursty: 3, Replay: 4, Closed: 5}.get(type(spec), 0)
    rate = spec.rate if isinstance(spec, Periodic | Poisson | Bursty) else 0.0
    phase = spec.phase_ns if isinstance(spec, Periodic | Closed) else 0
    return NativeArrivals(
        kind=kind,
        interval_ns=1e9 / rate if rate else 0.0,
        phase_ns=float(phase),
        jitter_ns=float(spec.jitter_ns) if isinstance(spec, Periodic) else 0.0,
        on_ns=float(spec.on_ns) if isinstance(spec, Bursty) else 0.0,
        off_ns=float(spec.off_ns) if isinstance(spec, Bursty) else 0.0,
        is_random=spec.is_random if isinstance(spec, Bursty | Closed) else False,
        think_ns=float(spec.think_ns) if isinstance(spec, Closed) else 0.0,
        clients=spec.clients if isinstance(spec, Closed) else 0,
        times_ns=spec.times_ns if isinstance(spec, Replay) else (),
        start_ns=start,
        stop_ns=stop,
        load=load,
        active=[(a, -1 if b is None else b) for a, b in app.active],
    )
