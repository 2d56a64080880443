"""Small workloads by number, with everything that the simulator can do."""

from random import Random

from hetsched.dispatch import POLICIES, StageNode, Terms
from hetsched.sim import (
    Arrivals,
    Bursty,
    Closed,
    HeatNode,
    Level,
    LinkUse,
    Periodic,
    Poisson,
    Replay,
    SimApp,
    SimLink,
    SimSoc,
    SimUnit,
    StageWork,
    Thermal,
    ThermalZone,
    Trigger,
    Variation,
)


def soc(r: Random, units: int) -> SimSoc:
    links = tuple(
        SimLink(name=f"l{i}", bytes_per_s=r.choice([None, 1e9, 0.3e9])) for i in range(units)
    )
    names = tuple(f"u{i}" for i in range(units))
    return SimSoc(
        units=tuple(unit(r, name) for name in names),
        links=links,
        memory_bytes_per_s=r.choice([None, 1e9, 2e9]),
        thermal=heat(r, names) if r.random() < 0.4 else None,
    )


def unit(r: Random, name: str) -> SimUnit:
    levels = tuple(
        Level(hz=hz * 1e6, power_mw=r.choice([None, hz * 2.0])) for hz in (1000, 700, 300)
    )[: r.choice([0, 1, 3])]
    down = r.randrange(1, 400)
    return SimUnit(
        name=name,
        power_mw=r.choice([None, 900.0, 1500.0]),
        idle_mw=r.choice([None, 50.0]),
        sleep_mw=r.choice([None, 0.0, 5.0]),
        levels=levels,
        level=r.choice([0, 0, len(levels) // 2]),
        keep_ns=r.choice([0, 20]),
        wake_ns=r.choice([None, 0, 7]),
        outages=((down, r.choice([None, down + 60])),) if r.random() < 0.2 else (),
    )


def heat(r: Random, names: tuple[str, ...]) -> Thermal:
    """So small a thing that it warms up within a microsecond."""
    zone = ThermalZone(node="die", trip_c=25.5, hysteresis_c=0.2, units=names)
    return Thermal(
        nodes=(HeatNode(name="die", capacity_j_per_k=1e-7, to_air_w_per_k=0.5, units=names[:2]),),
        zones=(zone,),
        initial_c=r.choice([None, 26.0]),
        period_ns=r.choice([13, 40]),
        source="made up for tests",
    )


def arrivals(r: Random) -> Arrivals:
    rate = r.choice([1e7, 2e7, 5e7])
    kinds: list[Arrivals] = [
        Periodic(rate=rate),
        Periodic(rate=rate / 3, jitter_ns=15, phase_ns=r.randrange(40)),
        Poisson(rate=rate),
        Bursty(rate=rate * 2, on_ns=60, off_ns=90, is_random=r.random() < 0.5),
        Replay(times_ns=tuple(sorted(r.randrange(300) for _ in range(r.randrange(8))))),
        Closed(clients=r.randrange(1, 4), think_ns=20, is_random=r.random() < 0.5, phase_ns=5),
    ]
    return r.choice(kinds)


def variation(r: Random) -> Variation:
    return r.choice(
        [
            Variation(),
            Variation(kind="lognormal", sigma=0.4),
            Variation(kind="exponential"),
            Variation(kind="quantiles", factors=(0.5, 0.9, 1.0, 1.7)),
        ]
    )


def work(r: Random, ns: int, links: int) -> StageWork:
    if r.random() < 0.3:
        return StageWork(power_mw=r.choice([None, 700.0]))
    dispatch = r.choice([0, 2]) if ns > 2 else 0
    uses: tuple[LinkUse, ...] = ()
    if ns >= 25 and r.random() < 0.6:
        # At most 0.3 bytes per ns: 2 bytes take 7 ns at most.
        uses = tuple(
            LinkUse(link=r.randrange(links), nbytes=2, fixed_ns=r.choice([0, 3]))
            for _ in range(r.randrange(1, 3))
        )
    return StageWork(
        time_ns=r.choice([None, ns + 5]),
        dispatch_ns=dispatch,
        transfers=uses,
        dram_bytes=r.choice([None, 0.0, ns * 0.7, ns * 1.5]),
        traffic_ns=r.choice([None, ns / 3, ns * 2.0]),
        power_mw=r.choice([None, 700.0]),
    )


def app(r: Random, number: int, units: int) -> SimApp:
    nodes, works = [], []
    for stage in range(r.randrange(0, 4) if r.random() < 0.1 else r.randrange(1, 4)):
        chosen = r.sample(range(units), r.randrange(1, units + 1))
        times = tuple((unit, r.choice([1, 8, 10, 25, 40])) for unit in chosen)
        after = tuple(s for s in range(stage) if r.random() < 0.6)
        nodes.append(StageNode(units=times, after=after))
        works.append(tuple(work(r, ns, units) for _, ns in times))
    triggers: tuple[Trigger, ...] = ()
    if number and r.random() < 0.4:
        triggers = tuple(
            Trigger(
                after=f"a{r.randrange(number)}",
                probability=r.choice([0.5, 1.0]),
                count=r.choice([1, 1, 2]),
                deadline=r.choice(["origin", "own"]),
            )
            for _ in range(r.randrange(1, 3))
        )
    return SimApp(
        name=f"a{number}",
        nodes=tuple(nodes),
        works=tuple(works) if r.random() < 0.8 else (),
        variations=tuple(variation(r) for _ in nodes) if r.random() < 0.6 else (),
        arrivals=None if triggers and r.random() < 0.6 else arrivals(r),
        triggers=triggers,
        terms=terms(r),
        timeout_ns=r.choice([None, None, 15, 40, 90]),
        load=((50, 2.0), (150, r.choice([0.0, 0.5])), (260, 1.0)) if r.random() < 0.3 else (),
        active=((20, 180), (240, None)) if r.random() < 0.2 else (),
    )


def terms(r: Random) -> Terms:
    return Terms(
        deadline_ns=r.choice([None, 25, 60, 120]),
        late=r.choice(["drop", "run"]),
        priority=r.randrange(-2, 3),
        weight=r.choice([0.5, 1.0, 3.0]),
        capacity=r.choice([None, 1, 2]),
        full=r.choice(["reject", "drop-oldest", "latest-only"]),
        admission=r.choice(["all", "own", "backlog"]),
    )


def workload(number: int) -> tuple[tuple[SimApp, ...], SimSoc, str]:
    """Apps, SoC and policy."""
    r = Random(number)
    units = r.randrange(1, 4)
    policy = r.choice(POLICIES)
    built = soc(r, units)
    return tuple(app(r, i, units) for i in range(r.randrange(1, 4))), built, policy
