"""Small worlds whose course can be told in advance."""

from dataclasses import replace
from math import exp

import numpy as np
import pytest

from hetsched.dispatch import Candidate, StageNode, StaticOrder, Terms
from hetsched.errors import SimError
from hetsched.sim import (
    Bursty,
    Closed,
    HeatEdge,
    HeatNode,
    Level,
    Periodic,
    Poisson,
    Replay,
    SimApp,
    SimSoc,
    SimUnit,
    StageWork,
    Thermal,
    ThermalZone,
    Trigger,
    simulate,
)
from hetsched.trace import Kind
from tests.unit.sim.running import one_stage, plain_soc, rows

MS = 1_000_000


def arrivals_of(app: SimApp, duration_ns: int, seed: int = 0) -> list[int]:
    result = simulate([app], plain_soc(), duration_ns=duration_ns, trace=True, seed=seed)
    assert result.trace is not None
    events = result.trace.events
    return [int(t) for t in events["time_ns"][events["kind"] == Kind.SUBMITTED]]


# ---- arrivals


def test_periodic_requests_come_late_by_their_jitter_at_most() -> None:
    app = one_stage("a", 1, Periodic(rate=1000, jitter_ns=300_000, phase_ns=5000))
    times = arrivals_of(app, 50 * MS)
    late = [time - 5000 - index * MS for index, time in enumerate(times)]
    assert len(times) == 50
    assert 0 <= min(late) < 50_000
    assert 250_000 < max(late) <= 300_000


def test_thirty_frames_a_second_are_thirty_after_an_hour_too() -> None:
    """1 / 30 s isn't a whole number of ns: the 108,000th frame comes at 3600 s all the same."""
    app = one_stage("a", 1, Periodic(rate=30))
    result = simulate([app], plain_soc(), duration_ns=3600 * 10**9)
    assert result.apps[0].requests == 108_000


def test_poisson_gaps_have_the_mean_and_the_spread_of_exponential_ones() -> None:
    """The standard deviation equals the mean; of 100,000 gaps both are known to about 0.5%."""
    times = arrivals_of(one_stage("a", 1, Poisson(rate=1000)), 100 * 10**9)
    gaps = np.diff(times)
    assert gaps.mean() == pytest.approx(MS, rel=0.01)
    assert gaps.std() == pytest.approx(MS, rel=0.02)


def test_bursts_come_while_it_is_on() -> None:
    """Fixed lengths: 10 ms on, 30 ms off."""
    app = one_stage("a", 1, Bursty(rate=2000, on_ns=10 * MS, off_ns=30 * MS, is_random=False))
    times = arrivals_of(app, 4 * 10**9)
    assert all(time % (40 * MS) <= 10 * MS for time in times)
    assert len(times) == pytest.approx(2000, rel=0.1)  # 2000 / s in a quarter of 4 s


def test_a_replay_comes_when_it_came() -> None:
    assert arrivals_of(one_stage("a", 1, Replay(times_ns=(3, 3, 70, 900))), 900) == [3, 3, 70]


def test_clients_think_between_requests() -> None:
    app = one_stage("a", 10, Closed(clients=1, think_ns=15, phase_ns=5))
    assert arrivals_of(app, 100) == [5, 30, 55, 80]


def test_load_turns_the_clock_of_arrivals() -> None:
    """Every 10 ns; from 25 on at double speed, from 45 on not at all, from 60 on as before.

    The process's clock shows 25 at 25, 65 at 45 and still at 60: 30 is reached at 27.5.
    """
    app = replace(one_stage("a", 1, Periodic(rate=1e8)), load=((25, 2.0), (45, 0.0), (60, 1.0)))
    assert arrivals_of(app, 90) == [0, 10, 20, 28, 33, 38, 43, 65, 75, 85]


def test_apps_come_and_go() -> None:
    app = replace(one_stage("a", 1, Periodic(rate=1e8)), active=((20, 45), (70, None)))
    assert arrivals_of(app, 100) == [20, 30, 40, 75, 85, 95]


# ---- cascades


def cascade(trigger: Trigger, terms: Terms | None = None) -> list[SimApp]:
    first = one_stage("first", 10, Periodic(rate=1e6), terms=Terms(deadline_ns=25, late="run"))
    then = one_stage("then", 8, None, terms=terms)
    return [first, replace(then, triggers=(trigger,))]


def test_a_triggered_request_carries_its_origins_deadline() -> None:
    result = simulate(
        cascade(Trigger(after="first")), plain_soc(), duration_ns=900, trace=True, drain=True
    )
    assert result.trace is not None
    submitted = [row for row in rows(result.trace.events) if row[1] == Kind.SUBMITTED]
    # (time, kind, unit, request, app, stage, value): 25 - 10 ns are left when the first has ended.
    assert submitted == [(0, 0, -1, 0, 0, -1, 25), (10, 0, -1, 1, 1, -1, 15)]
    assert result.app("then").completed == 1


def test_several_at_once_one_after_the_other_the_last_late() -> None:
    """They end at 18, 26 and 34: the last one can't make 25, the second neither, and is dropped."""
    result = simulate(
        cascade(Trigger(after="first", count=3)), plain_soc(), duration_ns=900, drain=True
    )
    then = result.app("then")
    assert (then.requests, then.completed, then.dropped) == (3, 1, 2)
    own = simulate(
        cascade(Trigger(after="first", count=3, deadline="own")),
        plain_soc(),
        duration_ns=900,
        drain=True,
    )
    assert own.app("then").completed == 3


def test_probability_is_a_share() -> None:
    """10,000 draws of 0.3: off by 1% of 1 at most, with 2 standard errors."""
    apps = cascade(Trigger(after="first", probability=0.3))
    result = simulate(apps, plain_soc(), duration_ns=10**7)
    assert result.apps[0].completed == 10_000
    assert result.apps[1].requests / 10_000 == pytest.approx(0.3, abs=0.01)


def test_dropped_requests_trigger_nothing() -> None:
    late = one_stage("late", 50, Periodic(rate=1e6), terms=Terms(deadline_ns=40))
    then = replace(one_stage("then", 8, None), triggers=(Trigger(after="late"),))
    result = simulate([late, then], plain_soc(), duration_ns=10**6)
    assert (result.app("late").dropped, result.app("then").requests) == (1000, 0)


# ---- units


def test_a_unit_that_fails_loses_its_stage_and_does_it_again() -> None:
    """Started at 0, lost at 4, begun again at 20, ended at 30."""
    soc = SimSoc(units=(SimUnit(name="u", outages=((4, 20),)),))
    app = one_stage("a", 10, Periodic(rate=1e6))
    result = simulate([app], soc, duration_ns=900, trace=True)
    assert result.trace is not None
    told = [(row[0], row[1]) for row in rows(result.trace.events)]
    assert told == [
        (0, Kind.DEPLOYED),
        (0, Kind.SUBMITTED),
        (0, Kind.STARTED),
        (4, Kind.FAILED),
        (4, Kind.UNIT_DOWN),
        (20, Kind.UNIT_UP),
        (20, Kind.STARTED),
        (30, Kind.ENDED),
        (30, Kind.FINISHED),
    ]
    assert result.units[0].busy_ns == 14


def test_a_stage_goes_elsewhere_when_its_unit_has_failed() -> None:
    node = StageNode(units=((0, 10), (1, 30)), after=())
    app = SimApp(name="a", nodes=(node,), arrivals=Periodic(rate=1e6))
    soc = SimSoc(units=(SimUnit(name="u", outages=((4, None),)), SimUnit(name="v")))
    result = simulate([app], soc, duration_ns=900)
    assert result.apps[0].max_ns == 34


def test_waking_is_paid_after_keep() -> None:
    """Requests at 0, 30 and 100; awake for 25 ns after a stage: only the last finds it asleep."""
    soc = SimSoc(units=(SimUnit(name="u", keep_ns=25, wake_ns=7),))
    app = one_stage("a", 10, Replay(times_ns=(0, 30, 100)))
    result = simulate([app], soc, duration_ns=900, keep_requests=True)
    assert result.requests is not None
    took = result.requests["end_ns"] - result.requests["arrival_ns"]
    assert took.tolist() == [10, 10, 17]


def test_a_lower_clock_slows_arithmetic_and_not_traffic() -> None:
    """Half of 10 ms is traffic: at half the clock 5 x 2 + 5 = 15 ms, at 400 of 1000 mW."""
    node = StageNode(units=((0, 10 * MS),), after=())
    work = StageWork(dram_bytes=1.0, traffic_ns=5.0 * MS)
    app = SimApp(name="a", nodes=(node,), works=((work,),), arrivals=Periodic(rate=10))
    unit = SimUnit(
        name="u", power_mw=1000, levels=(Level(hz=2e9, power_mw=1000), Level(hz=1e9, power_mw=400))
    )
    full = simulate([app], SimSoc(units=(unit,)), duration_ns=100 * MS)
    half = simulate([app], SimSoc(units=(replace(unit, level=1),)), duration_ns=100 * MS)
    assert (full.apps[0].max_ns, half.apps[0].max_ns) == (10 * MS, 15 * MS)
    assert (full.apps[0].energy_uj, half.apps[0].energy_uj) == (10_000, 6_000)


# ---- energy and heat


def test_energy_is_power_times_time() -> None:
    """200 ms at 1 W and 800 ms at 0.1 W: 280 mJ, 200 of them the app's."""
    soc = SimSoc(units=(SimUnit(name="u", power_mw=1000, idle_mw=100),))
    result = simulate([one_stage("a", 20 * MS, Periodic(rate=10))], soc, duration_ns=10**9)
    assert result.apps[0].energy_uj == 200_000
    assert result.units[0].energy_uj == result.energy_uj == 280_000


def node(name: str, capacity: float, to_air: float, *units: str) -> HeatNode:
    return HeatNode(name=name, capacity_j_per_k=capacity, to_air_w_per_k=to_air, units=units)


def test_one_node_warms_up_exponentially() -> None:
    """2 W into 10 J/K, 0.5 W/K to air of 25 degrees: 25 + 4 (1 - exp(-t / 20 s))."""
    thermal = Thermal(nodes=(node("die", 10, 0.5, "u"),), source="test")
    soc = SimSoc(units=(SimUnit(name="u", power_mw=2000, idle_mw=2000),), thermal=thermal)
    app = one_stage("a", 3 * MS, Periodic(rate=100))
    result = simulate([app], soc, duration_ns=10 * 10**9, snapshots=10)
    assert result.series is not None
    wanted = [25 + 4 * (1 - exp(-t / 20)) for t in range(1, 11)]
    assert result.series.temperature_c[:, 0].tolist() == pytest.approx(wanted, abs=1e-9)
    assert result.nodes[0].last_c == pytest.approx(wanted[-1], abs=1e-9)


def test_a_network_of_nodes_follows_its_differential_equation() -> None:
    """Against small steps of Runge and Kutta's method."""
    thermal = Thermal(
        nodes=(node("die", 0.5, 0.0, "u"), node("board", 5.0, 0.1), node("case", 20.0, 0.4)),
        edges=(
            HeatEdge(first="die", second="board", w_per_k=1.2),
            HeatEdge(first="board", second="case", w_per_k=0.7),
        ),
        ambient_c=30.0,
        initial_c=40.0,
        source="test",
    )
    soc = SimSoc(units=(SimUnit(name="u", power_mw=3000, idle_mw=3000),), thermal=thermal)
    app = one_stage("a", MS, Periodic(rate=50))
    result = simulate([app], soc, duration_ns=8 * 10**9)
    conductances = np.array([[1.2, -1.2, 0], [-1.2, 2.0, -0.7], [0, -0.7, 1.1]])
    capacities, power = np.array([0.5, 5.0, 20.0]), np.array([3.0, 0, 0])

    def slope(above: np.ndarray) -> np.ndarray:
        return np.asarray((power - conductances @ above) / capacities)

    above, step = np.full(3, 10.0), 0.002
    for _ in range(4000):
        a = slope(above)
        b = slope(above + step / 2 * a)
        c = slope(above + step / 2 * b)
        above = above + step / 6 * (a + 2 * b + 2 * c + slope(above + step * c))
    assert [each.last_c for each in result.nodes] == pytest.approx((30 + above).tolist(), abs=1e-6)


def test_heat_throttles_and_coolness_frees() -> None:
    """A load of 2 W would reach 65 degrees; at the lower clock it is 0.5 W and 35."""
    thermal = Thermal(
        nodes=(node("die", 1, 0.05, "u"),),
        zones=(ThermalZone(node="die", trip_c=45, hysteresis_c=5, units=("u",)),),
        source="test",
    )
    unit = SimUnit(
        name="u", power_mw=2000, levels=(Level(hz=2e9, power_mw=2000), Level(hz=1e9, power_mw=500))
    )
    soc = SimSoc(units=(unit,), thermal=thermal)
    app = one_stage("a", 10 * MS, Closed())
    result = simulate([app], soc, duration_ns=200 * 10**9, trace=True)
    assert result.trace is not None
    clocks = [row[6] for row in rows(result.trace.events) if row[1] == Kind.FREQUENCY]
    assert clocks[:5] == [2_000_000_000, 1_000_000_000] * 2 + [2_000_000_000]
    assert 45 <= result.nodes[0].highest_c < 46
    rising = simulate([app], replace(soc, thermal=replace(thermal, zones=())), duration_ns=10**12)
    assert rising.nodes[0].highest_c == pytest.approx(65, abs=0.01)
    assert rising.apps[0].completed * 5 > result.apps[0].completed


# ---- policies and results


def test_a_policy_written_in_python_decides() -> None:
    def newest(unit: int, now_ns: int, candidates: object) -> int:
        assert isinstance(candidates, list)
        assert all(isinstance(each, Candidate) for each in candidates)
        return len(candidates) - 1

    app = one_stage("a", 10, Replay(times_ns=(0, 1, 2)))
    result = simulate([app], plain_soc(), policy=newest, duration_ns=900, keep_requests=True)
    assert result.requests is not None
    assert result.requests["request"].tolist() == [0, 2, 1]
    assert result.policy == "custom"

    def wrong(unit: int, now_ns: int, candidates: object) -> int:
        return 17

    with pytest.raises(SimError, match="it chose 17 of 1"):
        simulate([app], plain_soc(), policy=wrong, duration_ns=900)


def test_a_static_order_takes_turns() -> None:
    apps = [one_stage(name, 10, Replay(times_ns=(0, 0))) for name in ("a", "b")]
    result = simulate(
        apps, plain_soc(), policy=StaticOrder(("b", "a")), duration_ns=90, keep_requests=True
    )
    assert result.requests is not None
    assert result.requests["app"].tolist() == [0, 1, 0, 1]  # a is alone when it comes


def test_what_is_not_known_is_said() -> None:
    apps = [one_stage("a", 10, Periodic(rate=10)), one_stage("b", 9, Periodic(rate=10), unit=1)]
    found = simulate(apps, plain_soc(2), duration_ns=10**9)
    assert [each.split(":")[0] for each in found.unknown] == [
        "memory bandwidth",
        "thermal",
        "power of unit u0",
        "idle power of unit u0",
        "waking of unit u0",
        "power of unit u1",
        "idle power of unit u1",
        "waking of unit u1",
    ]
    assert found.apps[0].energy_uj is None
    assert found.energy_uj is None


def test_more_power_than_can_be_sustained_is_said() -> None:
    """200 ms a second at 1 W and idling at 0.1 W: 0.28 W in the mean."""
    unit = SimUnit(name="u", power_mw=1000, idle_mw=100)
    app = one_stage("a", 20 * MS, Periodic(rate=10))
    cool = simulate([app], SimSoc(units=(unit,), sustained_mw=290), duration_ns=10**9)
    hot = simulate([app], SimSoc(units=(unit,), sustained_mw=270), duration_ns=10**9)
    assert hot.unknown[:-1] == cool.unknown
    assert hot.unknown[-1].startswith(
        "throttling: units drew 0.28 W in the mean, soc sustains 0.27"
    )


def test_few_latencies_are_exact_and_many_within_what_is_said() -> None:
    """Client i of 20,000 that come at once waits for i others: quantiles are known."""
    few = simulate(
        [one_stage("a", 1000, Closed(clients=1000, think_ns=10**12))],
        plain_soc(),
        duration_ns=10**9,
    )
    assert (few.apps[0].p50_ns, few.apps[0].p99_ns) == (500_000, 990_000)
    assert few.apps[0].percentiles == "exact"
    many = simulate(
        [one_stage("a", 1000, Closed(clients=20_000, think_ns=10**12))],
        plain_soc(),
        duration_ns=10**9,
    )
    found = many.apps[0]
    assert found.p50_ns == pytest.approx(10_000_000, rel=1 / 256)
    assert found.p99_ns == pytest.approx(19_800_000, rel=1 / 256)
    assert found.percentiles == "within 0.4%"


def test_the_series_adds_up() -> None:
    soc = SimSoc(units=(SimUnit(name="u", power_mw=500, idle_mw=20),))
    app = one_stage("a", 3 * MS, Poisson(rate=200), terms=Terms(deadline_ns=20 * MS))
    result = simulate([app], soc, duration_ns=10**9, snapshots=8)
    series, found = result.series, result.apps[0]
    assert series is not None
    assert series.requests.sum() == found.requests
    assert series.completed.sum() == found.completed
    assert series.dropped.sum() == found.dropped
    assert series.live[-1] == found.in_flight
    assert series.utilization.mean() == pytest.approx(result.units[0].utilization)
    assert series.power_mw.mean() == pytest.approx((result.energy_uj or 0) / 1000)


def test_a_trace_is_bounded_or_handed_on() -> None:
    app = one_stage("a", 1000, Periodic(rate=1e5))
    whole = simulate([app], plain_soc(), duration_ns=2 * 10**9, trace=True)
    cut = simulate([app], plain_soc(), duration_ns=2 * 10**9, trace=True, max_trace_events=100)
    assert whole.trace is not None
    assert cut.trace is not None
    assert len(cut.trace.events) == 100
    assert cut.trace.lost == len(whole.trace.events) - 100
    pieces: list[np.ndarray] = []
    simulate([app], plain_soc(), duration_ns=2 * 10**9, on_events=pieces.append)
    assert len(pieces) > 1
    assert np.concatenate(pieces).tobytes() == whole.trace.events.tobytes()


def test_draining_lets_the_last_ones_end() -> None:
    app = one_stage("a", 100, Periodic(rate=1e8))
    cut = simulate([app], plain_soc(), duration_ns=1000)
    drained = simulate([app], plain_soc(), duration_ns=1000, drain=True)
    assert (cut.apps[0].requests, cut.apps[0].completed, cut.apps[0].in_flight) == (100, 10, 90)
    assert (drained.apps[0].completed, drained.end_ns) == (100, 10_000)
