"""Contention as published, as far as what was published tells."""

import pytest

from hetsched import profile
from hetsched.cost.calibrate.features import published
from hetsched.dispatch import StageNode
from hetsched.sim import Closed, SimApp, SimSoc, SimUnit, StageWork, simulate
from hetsched.sim.from_plan import from_profile

MS = 1_000_000


def side_by_side(shares: tuple[float, ...], usable: float) -> list[float]:
    """Slowdowns of stages that ask for shares of a memory, each on a unit of its own, for ever."""
    soc = SimSoc(
        units=tuple(SimUnit(name=f"u{index}") for index in range(len(shares))),
        memory_bytes_per_s=usable,
    )
    apps = [
        SimApp(
            name=f"a{index}",
            nodes=(StageNode(units=((index, 10 * MS),), after=()),),
            works=((StageWork(dram_bytes=share * usable / 1e9 * 10 * MS),),),
            arrivals=Closed(),
        )
        for index, share in enumerate(shares)
    ]
    result = simulate(apps, soc, duration_ns=10**9)
    return [(app.mean_ns or 0.0) / (10 * MS) for app in result.apps]


def test_two_networks_on_xavier_collide_as_much_as_single_convolutions_allow() -> None:
    """HaX-CoNN: 12.4 ms on GPU and DLA together, 10.64 alone: 1.17 times.

    Single convolutions take 24 to 89% of the memory's bandwidth, 53% in the median: two of them
    1.06 or 1.78 times as long, or 1 at the lower end. 1.17 lies between.
    """
    pins = profile("jetson-agx-xavier").memory
    assert pins is not None
    assert pins.bandwidth is not None
    usable = pins.bandwidth.base("bandwidth")
    low, middle, high = (side_by_side((share, share), usable)[0] for share in (0.24, 0.53, 0.89))
    assert (low, middle, high) == pytest.approx((1.0, 1.06, 1.78), rel=1e-6)
    assert middle < 12.4 / (12.6 - 1.96) < high


def test_three_npu_cores_of_rk3588_do_not_slow_each_other_down() -> None:
    """Published: three YOLOv5s at once 18.8 ms each, about as long as one alone.

    It reads and writes 135 million elements beside its weights, a byte each in int8: 7.2 GB/s a
    core. Three ask for 21.6 of the 29 GB/s that all units get.
    """
    features = published()["yolov5s", "1x3x640x640"]
    moved = features.activations + features.elementwise
    assert moved == pytest.approx(135e6, rel=0.01)
    usable = from_profile(profile("rk3588")).memory_bytes_per_s
    assert usable is not None
    assert usable == pytest.approx(29e9)
    share = moved / 18.8e-3 / usable
    assert side_by_side((share,) * 3, usable) == [1.0, 1.0, 1.0]
