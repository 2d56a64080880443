"""Power modes of a board: another profile."""

import pytest

from hetsched.errors import ProfileError
from hetsched.quantity import Origin
from hetsched.soc.catalog import profile


def test_every_unit_takes_so_many_times_as_long() -> None:
    """jetson-agx-xavier's MaxQ: 1.41 x for gpu and both DLAs (MLPerf); the CPU's is ours."""
    plain, slow = profile("jetson-agx-xavier"), profile("jetson-agx-xavier@MaxQ:cpu=2")
    for name, factor in (("cpu", 2.0), ("gpu", 1.41), ("dla0", 1.41)):
        was, now = plain.unit(name), slow.unit(name)
        assert now.dispatch_ns == pytest.approx(was.dispatch_ns * factor, abs=1)
        for dtype, rates in was.rates.items():
            for field, figure in rates.stated().items():
                times = factor if field == "per_op" else 1 / factor
                assert now.rates[dtype].figure(field).value == pytest.approx(figure.value * times)
        assert (now.power, now.levels, now.frequency) == (None, None, None)


def test_it_is_another_profile_by_name_and_digest() -> None:
    plain, slow = profile("jetson-agx-xavier"), profile("jetson-agx-xavier", mode="MaxQ:cpu=2")
    assert slow.name == "jetson-agx-xavier@MaxQ:cpu=2"
    assert slow.sha256 != plain.sha256
    assert profile(slow.name).sha256 == slow.sha256


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("Turbo", "has no mode 'Turbo': it has 30W_4CORE, 30W_6CORE, 30W_ALL, 15W, MaxQ"),
        ("MaxQ", "how much slower cpu is in it isn't known (known: gpu 1.41 x, dla0 1.41 x"),
        ("MaxQ", "as --mode MaxQ:cpu=1.5"),
        ("15W", "how much slower gpu, dla0, dla1 are in it isn't known (known: cpu 4.71 x)"),
        ("MaxQ:cpu", "'cpu' is not UNIT=FACTOR, as cpu=1.5"),
        ("MaxQ:cpu=nan", "'cpu=nan' is not UNIT=FACTOR"),
        ("MaxQ:cpu=0", "'cpu=0' is not UNIT=FACTOR"),
        ("MaxQ:npu=2", "has no unit 'npu'"),
    ],
)
def test_what_is_unknown_is_named(asked: str, said: str) -> None:
    with pytest.raises(ProfileError) as refused:
        profile("jetson-agx-xavier", mode=asked)
    assert said in str(refused.value)


def test_a_profile_without_modes() -> None:
    with pytest.raises(ProfileError, match="helio-g90 has no mode 'MaxQ': it has none"):
        profile("helio-g90@MaxQ")


def test_a_factor_of_ones_own_makes_nothing_calibrated() -> None:
    """MaxQ's factor for the GPU was published, so what was fitted stays so; the CPU's wasn't."""
    slow = profile("jetson-agx-xavier@MaxQ:cpu=2")
    for name, origins in (("cpu", {Origin.ASSUMED}), ("gpu", {Origin.CALIBRATED})):
        figures = [f for rates in slow.unit(name).rates.values() for f in rates.stated().values()]
        assert {figure.origin for figure in figures} == origins
        assert all("in mode MaxQ" in figure.source for figure in figures)
