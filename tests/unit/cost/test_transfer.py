import msgspec
import pytest

from hetsched.cost.transfer import transfer_ns
from hetsched.errors import ProfileError
from hetsched.ir.graph import Tensor
from hetsched.soc.profile import Profile
from tests.unit.soc.samples import link, number, three_units

FLOATS = Tensor(name="f", dtype="float32", shape=(1, 1000))
INTEGERS = Tensor(name="i", dtype="int64", shape=(1, 1000))


def with_conversion() -> Profile:
    soc = three_units()
    slow = msgspec.structs.replace(soc.links[1], conversion=number(0.5, "GB/s"))
    return msgspec.structs.replace(soc, links=(soc.links[0], slow, soc.links[2]))


def test_latency_and_bandwidth() -> None:
    """100 us + 4000 bytes at 1 GB/s."""
    assert transfer_ns(FLOATS, three_units(), "cpu", "gpu") == 104_000
    assert transfer_ns(FLOATS, three_units(), "gpu", "cpu") == 104_000


def test_conversion_is_paid_by_floats_only() -> None:
    """4000 bytes at 0.5 GB/s on top: 8 us."""
    assert transfer_ns(FLOATS, with_conversion(), "cpu", "apu") == 112_000
    assert transfer_ns(INTEGERS, with_conversion(), "cpu", "apu") == 108_000


def test_conversion_is_not_paid_between_equal_dtypes() -> None:
    soc = with_conversion()
    cpu = msgspec.structs.replace(soc.units[0], dtype="int8")
    soc = msgspec.structs.replace(soc, units=(cpu, *soc.units[1:]))
    assert transfer_ns(FLOATS, soc, "cpu", "apu") == 104_000


def test_shared_memory_costs_the_latency_only() -> None:
    soc = three_units()
    soc = msgspec.structs.replace(soc, links=(link("cpu", "gpu", 3, None), *soc.links[1:]))
    assert transfer_ns(FLOATS, soc, "cpu", "gpu") == 3000


def test_within_a_unit_nothing_is_copied() -> None:
    assert transfer_ns(FLOATS, three_units(), "gpu", "gpu") == 0


def test_unknown_size_counts_as_nothing() -> None:
    unknown = Tensor(name="u", dtype="float32", shape=(None, 8))
    assert transfer_ns(unknown, three_units(), "cpu", "gpu") == 100_000


def test_unknown_unit_is_refused() -> None:
    with pytest.raises(ProfileError, match="no unit 'dsp'"):
        transfer_ns(FLOATS, three_units(), "cpu", "dsp")
