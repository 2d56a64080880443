"""Contention, cold starts, threads and clusters: numbers that follow by hand."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hetsched.cost.analytic_contention import Demand, demand, slowdowns
from hetsched.cost.analytic_idle import wake_ns
from hetsched.cost.analytic_threads import Cluster, even_split_ns, with_threads_ns
from hetsched.cost.analytic_work import group_work
from hetsched.cost.fusion import groups
from hetsched.quantity import End
from hetsched.soc.power import Idle
from tests.unit.cost.nets import mobilenet_v1
from tests.unit.soc.samples import number, rates, unit

GB = 1e9


def stage(gb_s: float, share: float, ns: float = 1e6) -> Demand:
    """A stage that asks for so much, and spends this share of its time on it."""
    return Demand(nbytes=gb_s * ns, traffic_ns=share * ns, arithmetic_ns=(1 - share) * ns)


def test_enough_for_all_slows_nobody() -> None:
    assert slowdowns([stage(10, 0.5), stage(20, 1.0)], 30 * GB) == (1.0, 1.0)


def test_pure_traffic_shares_in_proportion() -> None:
    """10 and 30 GB/s want 40, there are 20: everything takes twice as long."""
    found = slowdowns([stage(10, 1.0), stage(30, 1.0)], 20 * GB)
    assert found == pytest.approx((2.0, 2.0))


def test_arithmetic_goes_on_meanwhile() -> None:
    """Half arithmetic: 2 x 20 GB/s want 40, there are 20 for 1 + f halves: 40 / (1 + f) * 2 = 20 at
    f = 3, so that each takes (1 + 3) / 2 = 2 times as long.
    """
    found = slowdowns([stage(20, 0.5), stage(20, 0.5)], 20 * GB)
    assert found == pytest.approx((2.0, 2.0))


def test_a_stage_without_traffic_is_left_alone() -> None:
    found = slowdowns([stage(0, 0.0), stage(40, 1.0)], 20 * GB)
    assert found == pytest.approx((1.0, 2.0))


def test_unknown_bandwidth_is_unknown_slowdown() -> None:
    assert slowdowns([stage(40, 1.0)], None) is None
    with pytest.raises(ValueError, match="usable bandwidth 0 must be above zero"):
        slowdowns([stage(40, 1.0)], 0.0)


@given(
    st.lists(st.tuples(st.floats(0.1, 50), st.floats(0.05, 1.0)), min_size=1, max_size=4),
    st.floats(1, 100),
)
def test_what_all_get_is_what_there_is_or_less(
    wanted: list[tuple[float, float]], usable: float
) -> None:
    demands = [stage(gb_s, share) for gb_s, share in wanted]
    found = slowdowns(demands, usable * GB)
    assert found is not None
    assert min(found) >= 1
    taken = sum(each.bytes_per_s / slow for each, slow in zip(demands, found, strict=True))
    assert taken <= usable * GB * 1.001
    # A neighbour more never makes anyone faster.
    more = slowdowns([*demands, stage(5, 0.5)], usable * GB)
    assert more is not None
    assert all(b >= a - 1e-6 for a, b in zip(found, more, strict=False))


def test_demand_of_a_network() -> None:
    """At 1 GB/s for all traffic, MobileNet v1's bytes take as many ns, or the whole time."""
    graph = mobilenet_v1()
    works = [group_work(graph, group) for group in groups(graph, {}, ("cpu",))]
    cpu = unit("cpu", rates={"float32": rates(10, 1)})
    found = demand(works, cpu, "float32", 1e9)
    # 10.2 M elements of activations, 4.2 M weights, 4 bytes each.
    assert found.nbytes == pytest.approx(4 * (10.2e6 + 4.2e6), rel=0.1)
    assert found.traffic_ns == pytest.approx(found.nbytes)
    assert demand(works, cpu, "float32", 1000.0).traffic_ns == 1000.0


def test_waking() -> None:
    """Awake for 2 s; then 5 ms, or unknown."""
    idle = Idle(keep=number(2, "s"), wake=number(5, "ms", 0.5, 2))
    sleeper = msgspec.structs.replace(unit("apu"), idle=idle)
    assert wake_ns(sleeper, 2 * 10**9) == 0
    assert wake_ns(sleeper, 2 * 10**9 + 1) == 5_000_000
    assert wake_ns(sleeper, 10**10, End.HIGH) == 10_000_000
    unknown = msgspec.structs.replace(unit("apu"), idle=Idle(keep=number(2, "s")))
    assert wake_ns(unknown, 10**9) == 0
    assert wake_ns(unknown, 10**10) is None
    light = msgspec.structs.replace(unit("cpu"), idle=Idle(wake=number(1, "ms")))
    assert (wake_ns(light, 0), wake_ns(light, 1)) == (0, 1_000_000)
    assert (wake_ns(unit("cpu"), 0), wake_ns(unit("cpu"), 1)) == (0, None)


def test_an_even_split_waits_for_the_slow() -> None:
    """4 fast cores in 10 ms, 4 slow ones in 30: the slow half takes 15."""
    found = even_split_ns([Cluster(cores=4, ns=10), Cluster(cores=4, ns=30)])
    assert found == 15
    assert even_split_ns([Cluster(cores=4, ns=10)]) == 10


def test_threads() -> None:
    """A quarter serial: 1 thread 1, 4 threads 0.25 + 0.75 / 4 = 0.4375, 2.29 times as fast."""
    assert with_threads_ns(0.4375, 4, 1) == pytest.approx(1.0)
    assert with_threads_ns(0.4375, 4, 2) == pytest.approx(0.625)
    assert with_threads_ns(7, 4, 4) == 7
    with pytest.raises(ValueError, match="threads 5 must be 1 to 4, the number of cores"):
        with_threads_ns(7, 4, 5)
