"""Where queueing and real-time theory know the answer, the simulator finds it within 1%."""

import pytest

from hetsched.dispatch import StageNode, Terms
from hetsched.sim import (
    Closed,
    LinkUse,
    Periodic,
    Poisson,
    SimApp,
    SimLink,
    SimResult,
    SimSoc,
    SimUnit,
    StageWork,
    Variation,
    simulate,
)
from tests.unit.sim.running import one_stage, plain_soc

MS = 1_000_000
SERVICE_NS = 10 * MS
EXPONENTIAL = Variation(kind="exponential")


def mean_ns(result: SimResult, app: int = 0) -> float:
    found = result.apps[app].mean_ns
    assert found is not None
    return found


@pytest.mark.parametrize("load", [0.3, 0.5, 0.8])
def test_m_m_1(load: float) -> None:
    """Mean time in the system S / (1 - rho). Source: Kleinrock 1975, Queueing Systems I, 3.2.

    A mean over n requests is off by about S / (1 - rho)^2 / sqrt(n): 2 million make that 0.4% at
    rho 0.8.
    """
    app = one_stage("a", SERVICE_NS, Poisson(rate=load * 100), variation=EXPONENTIAL)
    duration_ns = int(2e6 / load * SERVICE_NS)
    result = simulate([app], plain_soc(), policy="fifo", duration_ns=duration_ns, seed=1)
    assert mean_ns(result) == pytest.approx(SERVICE_NS / (1 - load), rel=0.01)
    assert result.units[0].utilization == pytest.approx(load, rel=0.01)


@pytest.mark.parametrize("load", [0.3, 0.5, 0.8])
def test_m_d_1(load: float) -> None:
    """Mean time in the system S + S rho / (2 (1 - rho)). Source: Pollaczek and Khinchine."""
    app = one_stage("a", SERVICE_NS, Poisson(rate=load * 100))
    duration_ns = int(1e6 / load * SERVICE_NS)
    result = simulate([app], plain_soc(), policy="fifo", duration_ns=duration_ns, seed=2)
    wanted = SERVICE_NS * (1 + load / (2 * (1 - load)))
    assert mean_ns(result) == pytest.approx(wanted, rel=0.01)


def test_m_g_1_with_lognormal_service() -> None:
    """Pollaczek and Khinchine: W = lambda E[S^2] / (2 (1 - rho)).

    With a median of 10 ms and sigma 0.5, E[S] = 10 e^(0.5^2 / 2) = 11.331 ms and
    E[S^2] = 100 e^(2 x 0.5^2) = 164.87 ms^2. At 50 requests/s rho = 0.56657 and
    W = 0.05 / ms x 164.87 / (2 x 0.43343) = 9.5096 ms: 20.841 ms in the system.
    """
    app = one_stage(
        "a", SERVICE_NS, Poisson(rate=50), variation=Variation(kind="lognormal", sigma=0.5)
    )
    result = simulate([app], plain_soc(), policy="fifo", duration_ns=2 * 10**13, seed=3)
    assert mean_ns(result) == pytest.approx(20.841 * MS, rel=0.01)


def sharing(units: int) -> SimSoc:
    return SimSoc(
        units=tuple(SimUnit(name=f"u{index}") for index in range(units)), memory_bytes_per_s=1e9
    )


def streaming(name: str, unit: int, ns: int, share: float, arrivals: Poisson | Closed) -> SimApp:
    """A stage that asks for a share of 1 GB/s all the time that it runs."""
    work = StageWork(dram_bytes=ns * share)
    return SimApp(
        name=name,
        nodes=(StageNode(units=((unit, ns),), after=()),),
        works=((work,),),
        arrivals=arrivals,
    )


def test_memory_is_shared_in_proportion_to_what_is_asked() -> None:
    """Stages that ask for 0.9 and 0.6 of the memory run at 1 / 1.5 of their speed, both of them.

    10 ms become 15. When one has gone, the other goes on at full speed: with 8 and 10 ms the
    first ends after 12 ms; the second has then done 8 of its 10 and ends after 14.
    """
    once = Closed(think_ns=10**12)
    apps = [streaming("a", 0, 8 * MS, 0.9, once), streaming("b", 1, 10 * MS, 0.6, once)]
    result = simulate(apps, sharing(2), duration_ns=10**9)
    assert [app.max_ns for app in result.apps] == [12 * MS, 14 * MS]


def test_only_traffic_gets_slower() -> None:
    """Half of each stage is traffic at 1.5 GB/s; together they ask for 2 x 0.75 GB/s of 1.

    0.75 x 2 / (0.5 + 0.5 f) = 1 gives f = 2: 10 ms become 5 + 2 x 5 = 15.
    """
    node = StageNode(units=((0, 10 * MS),), after=())
    work = StageWork(dram_bytes=7.5 * MS, traffic_ns=5.0 * MS)
    other = StageNode(units=((1, 10 * MS),), after=())
    apps = [
        SimApp(name=str(index), nodes=(each,), works=((work,),), arrivals=Closed(think_ns=10**12))
        for index, each in enumerate((node, other))
    ]
    result = simulate(apps, sharing(2), duration_ns=10**9)
    assert [app.max_ns for app in result.apps] == [15 * MS, 15 * MS]
    off = simulate(apps, sharing(2), duration_ns=10**9, contention=False)
    assert [app.max_ns for app in off.apps] == [10 * MS, 10 * MS]


def test_memory_as_a_processor_sharing_queue() -> None:
    """M/M/1-PS: mean time in the system S / (1 - rho). Source: Kleinrock 1976, vol. II, 4.4.

    64 units, each with its own Poisson stream, each stage asking for all of the memory: at rho 0.5
    a unit is busy for less than 2% of the time, so that hardly ever two requests want the same one.
    """
    units, load = 64, 0.5
    apps = [
        SimApp(
            name=f"a{unit}",
            nodes=(StageNode(units=((unit, MS),), after=()),),
            works=((StageWork(dram_bytes=float(MS)),),),
            variations=(EXPONENTIAL,),
            arrivals=Poisson(rate=load * 1000 / units),
        )
        for unit in range(units)
    ]
    result = simulate(apps, sharing(units), policy="fifo", duration_ns=6 * 10**11, seed=5)
    finished = sum(app.completed for app in result.apps)
    mean = sum((app.mean_ns or 0.0) * app.completed for app in result.apps) / finished
    # Requests for a unit that is busy wait there: the memory is shared by fewer than in theory,
    # and the mean is the same to first order.
    assert mean == pytest.approx(MS / (1 - load), rel=0.01)


def test_copies_share_their_link() -> None:
    """Two copies of 1 MB at 1 GB/s take 2 ms together instead of 1, then 1 ms of computing each."""
    work = StageWork(transfers=(LinkUse(link=0, nbytes=1_000_000),))
    apps = [
        SimApp(
            name=str(unit),
            nodes=(StageNode(units=((unit, 2 * MS),), after=()),),
            works=((work,),),
            arrivals=Closed(think_ns=10**12),
        )
        for unit in range(2)
    ]
    soc = SimSoc(
        units=(SimUnit(name="a"), SimUnit(name="b")),
        links=(SimLink(name="bus", bytes_per_s=1e9),),
    )
    result = simulate(apps, soc, duration_ns=10**9)
    assert [app.max_ns for app in result.apps] == [3 * MS, 3 * MS]
    alone = simulate(apps[:1], soc, duration_ns=10**9)
    assert alone.apps[0].max_ns == 2 * MS


PERIODS = ((2, 5), (4, 12), (3, 15))
"""(execution, period) in ms: 0.4 + 0.333 + 0.2 = 0.933."""


def preemptible(scale: float) -> list[SimApp]:
    """In a hundred stages each: the dispatcher may change its mind between them."""
    return [
        SimApp(
            name=f"a{index}",
            nodes=tuple(
                StageNode(units=((0, int(ns * scale * MS / 100)),), after=(s - 1,) if s else ())
                for s in range(100)
            ),
            arrivals=Periodic(rate=1000 / period),
            terms=Terms(deadline_ns=period * MS, late="run"),
        )
        for index, (ns, period) in enumerate(PERIODS)
    ]


def test_edf_meets_every_deadline_up_to_full_load_and_misses_beyond() -> None:
    """Deadlines = periods: EDF is feasible if and only if utilisation is at most 1.

    Source: Liu and Layland 1973, "Scheduling algorithms for multiprogramming in a hard real-time
    environment". It is preemptive there; here a request gives way after each of its hundred
    stages, at most 0.04 ms late, for which the load is lowered by 1% and raised by 1%.
    """
    full = 1 / sum(ns / period for ns, period in PERIODS)
    good = simulate(preemptible(0.99 * full), plain_soc(), duration_ns=60 * 10**9)
    assert sum(app.missed for app in good.apps) == 0
    assert good.units[0].utilization == pytest.approx(0.99, rel=0.001)
    bad = simulate(preemptible(1.01 * full), plain_soc(), duration_ns=60 * 10**9)
    assert sum(app.missed for app in bad.apps) > 0


def test_fixed_priorities_miss_what_edf_meets() -> None:
    """The least common multiple of the periods is 60 ms: at 99% a low priority misses within it."""
    full = 1 / sum(ns / period for ns, period in PERIODS)
    result = simulate(
        preemptible(0.99 * full), plain_soc(), policy="priority", duration_ns=60 * 10**9
    )
    assert sum(app.missed for app in result.apps) > 0


def test_a_closed_loop_has_littles_law() -> None:
    """N = X (R + Z): 5 clients, 10 ms of service, 20 ms of thinking."""
    app = one_stage("a", SERVICE_NS, Closed(clients=5, think_ns=20 * MS))
    result = simulate([app], plain_soc(), duration_ns=10**11)
    rate_per_ns = result.apps[0].completed / result.duration_ns
    assert rate_per_ns * (mean_ns(result) + 20 * MS) == pytest.approx(5, rel=0.01)
    assert result.units[0].utilization == pytest.approx(1, rel=0.01)
