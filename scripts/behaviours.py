"""What published measurements say about which choice is faster, and what the profiles say."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np

from hetsched.cost.analytic_contention import Demand, slowdowns
from hetsched.cost.analytic_threads import Cluster, even_split_ns
from hetsched.cost.calibrate.features import published
from hetsched.cost.calibrate.prior import coefficients
from hetsched.cost.calibrate.rows import published as published_rows
from hetsched.ir.graph import ITEM_BITS
from hetsched.soc.catalog import profile as read_profile

profile = cache(read_profile)
"""Each file is read once."""

BOARD = "rk3588s"
MIXED = ("cpu:all", "8")


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """One thing that must come out as published.

    Attributes:
        what: the question.
        published: the answer, with its numbers.
        predicted: ours.
        right: whether both say the same; None where the data doesn't allow an answer.
    """

    what: str
    published: str
    predicted: str
    right: bool | None


def network_ms(soc: str, unit: str, dtype: str, model: str, shape: str) -> float:
    """A whole network on one unit."""
    found = profile(soc).unit(unit)
    amounts = np.array(published()[model, shape].amounts(ITEM_BITS[dtype] // 8))
    return (found.dispatch_ns + float(amounts @ coefficients(found, dtype))) / 1e6


def behaviours() -> Iterator[Behaviour]:
    """All of them."""
    yield _small_network()
    yield _large_network()
    yield _unequal_clusters()
    yield _little_cluster()
    yield _small_on_npu()
    yield _three_cores()
    yield _pairs()
    yield _collision()


def _small_network() -> Behaviour:
    return _cpu_or_dsp("mobilenet_v1_0.25", "1x3x128x128", (0.8, 2.0))


def _large_network() -> Behaviour:
    return _cpu_or_dsp("mobilenet_v1", "1x3x224x224", (13.0, 6.0))


def _cpu_or_dsp(model: str, shape: str, ms: tuple[float, float]) -> Behaviour:
    cpu = network_ms("snapdragon-845", "cpu-big", "int8", model, shape)
    dsp = network_ms("snapdragon-845", "dsp", "int8", model, shape)
    return Behaviour(
        what=f"Snapdragon 845, {model} {shape} int8: CPU or Hexagon through NNAPI?",
        published=f"{ms[0]:g} against {ms[1]:g} ms",
        predicted=f"{cpu:.2g} against {dsp:.2g} ms",
        right=(cpu < dsp) == (ms[0] < ms[1]),
    )


def _times(unit: str, threads: str) -> dict[tuple[str, str], float]:
    return {
        row.key: row.ms
        for row in published_rows()
        if (row.soc, row.unit, row.threads, row.framework, row.dtype)
        == (BOARD, unit, threads, "ncnn", "fp16")
        and row.measured == "2023-05"
    }


def _unequal_clusters() -> Behaviour:
    """An op split evenly over all eight cores, against the four big ones."""
    big, everywhere = _times("cpu:big", "4"), _times(*MIXED)
    seen = [everywhere[key] / big[key] for key in big if key in everywhere]
    ratios = []
    for model, shape in big:
        fast, slow = (
            network_ms("rk3588", unit, "float16", model, shape)
            for unit in ("cpu-big", "cpu-little")
        )
        clusters = [Cluster(cores=4, ns=fast), Cluster(cores=4, ns=slow)]
        ratios.append(even_split_ns(clusters) / fast)
    return Behaviour(
        what=f"RK3588, {len(seen)} networks: all eight cores or the big four?",
        published=f"all eight take {np.median(seen):.1f} times as long",
        predicted=f"at least {np.median(ratios):.1f} times as long",
        right=bool(np.median(ratios) > 1),
    )


def _little_cluster() -> Behaviour:
    big, little = _times("cpu:big", "4"), _times("cpu:little", "4")
    seen = [little[key] / big[key] for key in big if key in little]
    ratios = [
        network_ms("rk3588", "cpu-little", "float16", *key)
        / network_ms("rk3588", "cpu-big", "float16", *key)
        for key in big
    ]
    return Behaviour(
        what=f"RK3588, {len(seen)} networks: the little cluster against the big one?",
        published=f"{np.median(seen):.1f} times as long",
        predicted=f"{np.median(ratios):.1f} times as long",
        right=bool(abs(np.median(ratios) / np.median(seen) - 1) < 0.25),
    )


def _small_on_npu() -> Behaviour:
    key = ("FastestDet", "1x3x352x352")
    cpu = network_ms("rk3568", "cpu", "float16", *key)
    npu = network_ms("rk3568", "npu", "int8", *key)
    return Behaviour(
        what="RK3568, FastestDet: NPU or four A55?",
        published="28 against 23.5 ms: the CPU",
        predicted=f"{npu:.2g} against {cpu:.2g} ms: the network's features don't tell of its 13 "
        "channel shuffles, 5-D transposes that RKNN runs on the CPU",
        right=npu > cpu,
    )


def _three_cores() -> Behaviour:
    """One network on each NPU core at once; the rows were published with two SDKs."""
    soc, key = profile("rk3588"), ("yolov5s", "1x3x640x640")
    unit, features = soc.unit("npu0"), published()["yolov5s", "1x3x640x640"]
    alone_ns = network_ms("rk3588", "npu0", "int8", *key) * 1e6
    rates = unit.rates["int8"]
    moved, simple = features.activations, features.elementwise
    traffic_ns = moved / rates.figure("activations").base("bandwidth") * 1e9
    traffic_ns += simple / rates.figure("elementwise").base("bandwidth") * 1e9
    stage = Demand(
        nbytes=moved + simple, traffic_ns=traffic_ns, arithmetic_ns=alone_ns - traffic_ns
    )
    usable = soc.memory.usable if soc.memory is not None else None
    slower = slowdowns([stage] * 3, usable.base("bandwidth") if usable is not None else None)
    return Behaviour(
        what="RK3588, three YOLOv5s at once, one per NPU core: do they slow each other?",
        published="no: 18.8 ms each (SDK 1.5), 20.7 alone (2.3)",
        predicted="unknown" if slower is None else f"{slower[0]:.2f} times as long",
        right=None if slower is None else slower[0] < 1.1,
    )


def _pairs() -> Behaviour:
    return Behaviour(
        what="Jetson, HaX-CoNN's four pairs of networks: GPU and DLA side by side, or GPU alone?",
        published="side by side loses in two of four (10.2, 16.7, 10.4, 19.8 against 8.1, 18.1, "
        "13.4, 15.6 ms)",
        predicted="not answered: of seven networks only GoogLeNet was published on each unit "
        "alone, and the board isn't named",
        right=None,
    )


def _collision() -> Behaviour:
    """The one pair whose parts can be told: 12.6 ms together on the GPU, 1.96 of it GoogLeNet."""
    alone = 12.6 - 1.96
    needed = 12.4 / alone
    pins = profile("jetson-agx-xavier").memory
    assert pins is not None
    assert pins.bandwidth is not None
    usable = pins.bandwidth.base("bandwidth")
    # Shares of the memory's bandwidth that single convolutions take: 24 to 89%, 53% in the median.
    stages = [
        Demand(nbytes=share * usable * 1e-3, traffic_ns=1e6, arithmetic_ns=0)
        for share in (0.53, 0.53)
    ]
    slower = slowdowns(stages, usable)
    assert slower is not None
    return Behaviour(
        what="Jetson AGX Xavier, ResNet-101 on GPU and GoogLeNet on DLA: do they slow each other?",
        published=f"yes: 12.4 instead of {alone:.1f} ms, {needed:.2f} times",
        predicted=f"two convolutions of the median demand: {slower[0]:.2f} times",
        right=slower[0] > 1,
    )


def markdown() -> Iterator[str]:
    """The table for docs/calibration.md."""
    yield "| | published | predicted | |"
    yield "|---|---|---|---|"
    for each in behaviours():
        verdict = {True: "right", False: "wrong", None: "open"}[each.right]
        yield f"| {each.what} | {each.published} | {each.predicted} | {verdict} |"


if __name__ == "__main__":
    print("\n".join(markdown()))
