"""What published measurements say about which unit is faster comes out right."""

import numpy as np
import pytest

from hetsched.cost.calibrate.features import published
from hetsched.cost.calibrate.prior import coefficients, transferred
from hetsched.cost.calibrate.rows import choose
from hetsched.cost.calibrate.rows import published as published_rows
from hetsched.ir.graph import ITEM_BITS
from hetsched.soc.calibration import Select
from hetsched.soc.catalog import profile


def predicted_ms(name: str, unit: str, dtype: str, model: str, shape: str) -> float:
    """A whole network on one unit."""
    found = profile(name).unit(unit)
    amounts = np.array(published()[model, shape].amounts(ITEM_BITS[dtype] // 8))
    return (found.dispatch_ns + float(amounts @ coefficients(found, dtype))) / 1e6


@pytest.mark.parametrize(
    ("model", "shape", "cpu_ms", "dsp_ms"),
    [("mobilenet_v1_0.25", "1x3x128x128", 0.8, 2.0), ("mobilenet_v1", "1x3x224x224", 13.0, 6.0)],
)
def test_a_small_network_is_faster_on_the_cpu_and_a_large_one_on_the_dsp(
    model: str, shape: str, cpu_ms: float, dsp_ms: float
) -> None:
    """Snapdragon 845, int8, TFLite on four threads and through NNAPI."""
    cpu = predicted_ms("snapdragon-845", "cpu-big", "int8", model, shape)
    dsp = predicted_ms("snapdragon-845", "dsp", "int8", model, shape)
    assert (cpu < dsp) == (cpu_ms < dsp_ms)
    assert cpu == pytest.approx(cpu_ms, rel=0.25)
    assert dsp == pytest.approx(dsp_ms, rel=0.25)


@pytest.mark.parametrize("model", ["mobilenet_v1", "resnet50", "squeezenet_v1.1"])
def test_the_little_cluster_of_rk3588_takes_two_to_five_times_as_long(model: str) -> None:
    """Median of the published pairs: 2.9."""
    shape = "1x3x227x227" if model.startswith("squeeze") else "1x3x224x224"
    big, little = (
        predicted_ms("rk3588", unit, "float16", model, shape) for unit in ("cpu-big", "cpu-little")
    )
    assert 2 < little / big < 5


PAIR, SIX = 1.8, 3.3
"""Two A76 and six A55 against one of them, see the head of profiles/helio-g90.toml."""


@pytest.mark.parametrize(
    ("unit", "dtype", "model", "least_ms", "most_ms"),
    [
        ("cpu-big", "float32", "mobilenet_v1", 23, 27),
        ("cpu-big", "float32", "resnet50", 223 / PAIR, 249 / PAIR),
        ("cpu-big", "int8", "mobilenet_v1", 16 / PAIR, 17 / PAIR),
        ("cpu-big", "int8", "resnet50", 92 / PAIR, 95 / PAIR),
        ("cpu-little", "float32", "mobilenet_v1", 148 / SIX, 152 / SIX),
        ("cpu-little", "float32", "resnet50", 631 / SIX, 631 / SIX),
        ("gpu", "float16", "mobilenet_v1", 17, 35),
        ("gpu", "float16", "resnet50", 100, 125),
        ("apu", "int8", "mobilenet_v1", 10, 10),
        ("apu", "int8", "resnet50", 30, 30),
    ],
)
def test_helio_g90t_is_within_what_other_chips_with_its_cores_say(
    unit: str, dtype: str, model: str, least_ms: float, most_ms: float
) -> None:
    """Estimates from the same cores by clock ratio, good for 15%: one core's rows on five SoCs."""
    found = predicted_ms("helio-g90t", unit, dtype, model, "1x3x224x224")
    assert 0.85 * least_ms <= found <= 1.15 * most_ms


def test_the_same_core_in_another_chip_follows_clock_and_bandwidth() -> None:
    """Four A76: Snapdragon 855+ from RK3588's rates, no row of it seen; 20% is the target."""
    source, target = profile("rk3588"), profile("snapdragon-855-plus")
    unit = target.unit("cpu-big")
    moved = transferred(target, unit, source, source.unit("cpu-big"), "float16")
    rows = choose(
        published_rows(),
        [Select(soc=target.name, unit="cpu:big", framework="ncnn", threads=4, dtype="fp16")],
    )
    known = [row for row in rows if row.key in published()]
    errors = [
        abs((np.array(published()[row.key].amounts(2)) @ moved) / (row.ms * 1e6) - 1)
        for row in known
    ]
    assert len(errors) > 20
    assert float(np.median(errors)) <= 0.2
