"""What can't be simulated is refused before it starts, by name."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from hetsched.dispatch import StageNode, StaticOrder, Terms
from hetsched.errors import SimError
from hetsched.sim import (
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
    Trigger,
    Variation,
    simulate,
)
from tests.unit.sim.running import one_stage, plain_soc

NAN, INF = float("nan"), float("inf")
SECOND = 10**9


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: Periodic(rate=0), "rate is 0 per second: give more than 0"),
        (lambda: Poisson(rate=-3), "rate is -3 per second"),
        (lambda: Poisson(rate=NAN), "rate is nan per second"),
        (lambda: Bursty(rate=INF, on_ns=1, off_ns=1), "rate is inf per second"),
        (lambda: Bursty(rate=1, on_ns=0, off_ns=1), "on is 0 ns"),
        (
            lambda: Periodic(rate=1000, jitter_ns=2_000_000),
            "jitter is 2000000 ns: give 0 to 1000000",
        ),
        (lambda: Periodic(rate=1, phase_ns=-1), "phase is -1 ns"),
        (lambda: Replay(times_ns=(5, 3)), "time 1 is 3 ns: give at least 5"),
        (lambda: Closed(clients=0), "clients is 0"),
        (lambda: Closed(think_ns=-1), "think is -1 ns"),
        (lambda: Variation(kind="lognormal", sigma=NAN), "sigma is nan"),
        (lambda: Variation(kind="quantiles", factors=(1.0,)), "two factors at least"),
        (lambda: Variation(kind="quantiles", factors=(1.0, 0.5)), "factors must rise"),
        (lambda: Variation(kind="quantiles", factors=(0.5, NAN)), "factors must rise"),
        (lambda: StageWork(dram_bytes=NAN), "dram_bytes is nan"),
        (lambda: StageWork(time_ns=-1), "time_ns is -1"),
        (lambda: StageWork(power_mw=INF), "power_mw is inf"),
        (lambda: Trigger(after="x", probability=0), "probability is 0"),
        (lambda: Trigger(after="x", probability=1.5), "probability is 1.5"),
        (lambda: Trigger(after="x", count=0), "count is 0"),
        (lambda: SimUnit(name="u", power_mw=-1), "unit 'u': power_mw is -1"),
        (lambda: SimUnit(name="u", wake_ns=-1), "unit 'u': wake_ns is -1"),
        (lambda: SimUnit(name="u", level=1), "unit 'u': level is 1 of 0"),
        (lambda: SimUnit(name="u", outages=((9, 5),)), "unit 'u': outages must rise"),
        (lambda: SimUnit(name="u", outages=((9, None), (20, 30))), "unit 'u': outages must rise"),
        (lambda: Level(hz=0), "hz is 0: give more than 0"),
        (lambda: SimLink(name="bus", bytes_per_s=0), "link 'bus': bytes_per_s is 0"),
        (lambda: SimSoc(units=()), "from 1 to 64 units, not 0"),
        (lambda: SimSoc(units=(SimUnit(name="u"), SimUnit(name="u"))), "two units have one name"),
        (lambda: replace(plain_soc(), memory_bytes_per_s=NAN), "memory_bytes_per_s is nan"),
        (
            lambda: Thermal(nodes=(HeatNode(name="die", capacity_j_per_k=1),), source="test"),
            "node 'die' gives its heat to nobody",
        ),
        (
            lambda: Thermal(nodes=(HeatNode(name="die", capacity_j_per_k=0),), source="test"),
            "node 'die': capacity is 0",
        ),
        (
            lambda: SimSoc(
                units=(SimUnit(name="u"),),
                thermal=Thermal(
                    nodes=(
                        HeatNode(name="d", capacity_j_per_k=1, to_air_w_per_k=1, units=("gpu",)),
                    ),
                    source="test",
                ),
            ),
            "thermal names unit 'gpu': units are u",
        ),
    ],
)
def test_a_wrong_number_is_named(build: Callable[[], object], message: str) -> None:
    with pytest.raises(SimError) as found:
        build()
    assert message in str(found.value)


APP = one_stage("a", 100, Periodic(rate=1000))


def with_work(work: StageWork) -> SimApp:
    return replace(APP, works=((work,),))


@pytest.mark.parametrize(
    ("apps", "message"),
    [
        ([], "there is no app"),
        ([APP, APP], "two apps have one name: a"),
        ([replace(APP, triggers=(Trigger(after="b"),))], "app 'a' is triggered by 'b'"),
        ([replace(APP, triggers=(Trigger(after="a"),))], "goes in a circle: a after a"),
        (
            [
                replace(APP, triggers=(Trigger(after="b"),)),
                replace(APP, name="b", triggers=(Trigger(after="c"),)),
                replace(APP, name="c", triggers=(Trigger(after="a"),)),
            ],
            "goes in a circle: a after b after c after a",
        ),
        ([replace(APP, load=((0, NAN),))], "app 'a': load factor is nan"),
        ([replace(APP, load=((0, -1.0),))], "app 'a': load factor is -1"),
        ([replace(APP, load=((5, 1.0), (5, 2.0)))], "app 'a': times of load changes must rise"),
        ([replace(APP, active=((5, 5),))], "app 'a': active spans must rise"),
        ([one_stage("a", 100, None, unit=3)], "app 'a': stage 0: there is no unit 3: there are 1"),
        ([one_stage("a", -5, None)], "app 'a': stage 0: takes -5 ns"),
        (
            [replace(APP, nodes=(StageNode(units=((0, 1),), after=(2,)),))],
            "app 'a': stage 0 waits for stage 2, not an earlier one",
        ),
        ([replace(APP, works=((),))], "app 'a': stage 0: 0 works for 1 units"),
        ([replace(APP, works=((), ()))], "app 'a': works and variations are given per stage"),
        ([with_work(StageWork(dispatch_ns=101))], "app 'a': stage 0: dispatch and transfers take"),
        (
            [with_work(StageWork(transfers=(LinkUse(link=4, nbytes=1),)))],
            "app 'a': stage 0: there is no link 4",
        ),
        (
            [with_work(StageWork(dram_bytes=5.0, traffic_ns=0.0))],
            "app 'a': stage 0: traffic_ns is 0 for 5.0 bytes",
        ),
        ([replace(APP, memory_bytes=((0, -1),))], "app 'a': memory of unit 0 is -1 bytes"),
    ],
)
def test_apps_that_do_not_fit_are_refused(apps: list[SimApp], message: str) -> None:
    with pytest.raises(SimError) as found:
        simulate(apps, plain_soc(), duration_ns=SECOND)
    assert message in str(found.value)


def test_duration_policy_and_snapshots() -> None:
    for duration in (0, -1, 1 << 60):
        with pytest.raises(SimError, match="duration is"):
            simulate([APP], plain_soc(), duration_ns=duration)
    with pytest.raises(SimError, match="there is no policy 'best'"):
        simulate([APP], plain_soc(), duration_ns=SECOND, policy="best")
    with pytest.raises(SimError, match="the static order names 'b': apps are a"):
        simulate([APP], plain_soc(), duration_ns=SECOND, policy=StaticOrder(("b",)))
    with pytest.raises(SimError, match="snapshots is -1"):
        simulate([APP], plain_soc(), duration_ns=SECOND, snapshots=-1)


MIB = 1 << 20


def test_memory_that_does_not_suffice_is_refused_by_unit() -> None:
    soc = SimSoc(units=(SimUnit(name="npu", memory_bytes=10 * MIB),))
    apps = [
        replace(APP, name=name, memory_bytes=((0, size * MIB),))
        for name, size in (("a", 4), ("b", 7))
    ]
    with pytest.raises(SimError) as found:
        simulate(apps, soc, duration_ns=SECOND)
    assert "unit 'npu': apps need 11.00 MiB at once, it has 10.00 MiB" in str(found.value)
    assert "the largest is app 'b' with 7.000 MiB" in str(found.value)
    shared = replace(plain_soc(), memory_bytes=10 * MIB)
    with pytest.raises(SimError, match=r"need 11\.00 MiB at once on all units, it has 10\.00 MiB"):
        simulate(apps, shared, duration_ns=SECOND)


def test_apps_that_take_turns_may_take_the_same_memory() -> None:
    soc = SimSoc(units=(SimUnit(name="npu", memory_bytes=10 * MIB),))
    apps = [
        replace(APP, name="a", memory_bytes=((0, 6 * MIB),), active=((0, 500),)),
        replace(APP, name="b", memory_bytes=((0, 7 * MIB),), active=((500, None),)),
    ]
    result = simulate(apps, soc, duration_ns=SECOND)
    assert result.peak_memory_bytes == {"": 7 * MIB, "npu": 7 * MIB}


def test_a_loop_without_time_is_named() -> None:
    """Its requests are refused when they come, and come again at once."""
    terms = Terms(deadline_ns=10, admission="own")
    app = one_stage("a", 100, Closed(), terms=terms)
    with pytest.raises(SimError, match="app 'a': time stands still at 0 ns"):
        simulate([app], plain_soc(), duration_ns=SECOND)


def test_a_flood_is_named() -> None:
    """A million requests wait: more than the dispatcher holds."""
    apps = [one_stage("a", SECOND, Periodic(rate=1e9)), replace(APP, name="b")]
    with pytest.raises(SimError, match=r"app 'a' has 10485\d\d requests under way"):
        simulate(apps, plain_soc(), duration_ns=10**10)
