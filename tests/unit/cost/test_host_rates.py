"""Rates from measured groups, and the profile file that is written with them."""

from pathlib import Path

import pytest

from hetsched.cost.host_file import host_text
from hetsched.cost.host_rates import Sample, host_rates
from hetsched.errors import CostError
from hetsched.quantity import Origin
from hetsched.soc.catalog import parse, read
from hetsched.soc.figure import Figure
from hetsched.soc.profile import Profile, Unit


def conv(macs: int, moved_bytes: int, latency_ns: int, rate: str = "pointwise") -> Sample:
    return Sample(
        rate=rate, macs=macs, moved_bytes=moved_bytes, weights_bytes=0, latency_ns=latency_ns
    )


def move(moved_bytes: int, latency_ns: int) -> Sample:
    return Sample(
        rate=None, macs=0, moved_bytes=moved_bytes, weights_bytes=0, latency_ns=latency_ns
    )


SAMPLES = [
    move(1000, 3000), move(1000, 3000), move(1000, 3000),
    move(1_000_000, 103_000),
    conv(2_000_000, 100_000, 113_000),
    conv(20_000_000, 1_000_000, 1_103_000),
]  # fmt: skip


def test_rates_reproduce_what_they_were_made_of() -> None:
    # 3 us per kernel. Moving: 1003000 bytes in 100 us and thrice 30% of 3 us = 102.7 us. The
    # convolutions: 22 MMAC in what is left of 113 and 1103 us.
    made = host_rates(SAMPLES, "here")
    assert made.per_op.fixed_ns() == 3000
    moving = 1_003_000 / 102_700
    assert made.activations.value == pytest.approx(moving, rel=1e-3)
    left = 113_000 + 1_103_000 - 2 * 3000 - 1_100_000 / moving
    assert made.pointwise.value == pytest.approx(22_000_000 / left, rel=1e-3)
    assert made.pointwise.origin is Origin.CALIBRATED
    assert made.pointwise.low <= 1 <= made.pointwise.high


def test_what_wasnt_measured_is_assumed_from_the_nearest_and_wide() -> None:
    made = host_rates(SAMPLES, "here")
    assert (made.depthwise.value, made.depthwise.origin) == (made.pointwise.value, Origin.ASSUMED)
    assert "as pointwise" in made.depthwise.source
    assert made.depthwise.high == 3.0
    assert made.weights.origin is Origin.ASSUMED


def test_weights_arrive_as_fast_as_in_the_fastest_matrix_product() -> None:
    dense = Sample(
        rate="dense", macs=4_000_000, moved_bytes=0, weights_bytes=16_000_000, latency_ns=2_003_000
    )
    made = host_rates([*SAMPLES, dense], "here")
    # 16 MB in 2000 us beside the 3 us per kernel.
    assert made.weights.value == pytest.approx(8.0, rel=1e-3)


def test_without_arithmetic_there_is_nothing_to_learn_from() -> None:
    with pytest.raises(CostError, match="no convolution and no matrix product was measured"):
        host_rates([move(1000, 3000)], "here")


def test_the_file_reads_back_as_the_same_profile(tmp_path: Path) -> None:
    time = Figure(value=4.5, unit="us", origin=Origin.MEASURED, source='a "quoted" µ', high=1.5)
    unit = Unit(
        name="cpu0", kind="cpu", title="1 core", dtype="float32", framework="onnxruntime",
        backend="cpu", reached_by=("cpu",), dispatch=time, unknown=("power: not measured",),
        rates={"float32": host_rates(SAMPLES, "here")},
    )  # fmt: skip
    profile = Profile(name="desk", title="A desk", home="cpu0", units=(unit,), unknown=("much",))
    path = tmp_path / "desk.toml"
    path.write_text(host_text(profile), encoding="utf-8")
    assert read(path) == profile
    assert read(path).sha256 == profile.sha256
    assert parse({"schema": 1, "name": "x", "home": "u", "units": [
        {"name": "u", "kind": "cpu", "dtype": "float32", "framework": "f", "backend": "b",
         "dispatch": {"value": 1, "unit": "us", "origin": "measured", "source": "s"}}
    ]}, "x").units[0].rates == {}  # fmt: skip
