from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from hetsched.convert.capability import refusals
from hetsched.cost.analytic import cost_table
from hetsched.cost.analytic_class import spatial_rate
from hetsched.cost.calibrate.graph import graph_features
from hetsched.cost.table import Cost, CostTable
from hetsched.errors import CapabilityError, CostError
from hetsched.ir.features import op_features
from hetsched.ir.graph import Graph
from hetsched.quantity import Origin
from hetsched.soc.catalog import profile
from hetsched.soc.profile import Profile, Rates
from tests.unit.cost.nets import GraphBuilder, mobilenet_v1, resnet50
from tests.unit.soc.samples import MINIMAL, number, rates, three_units, unit


def table(graph: Graph, rate: Rates | None = None) -> CostTable:
    soc = three_units(rate)
    return cost_table(graph, soc, refusals(graph, soc))


def test_pointwise_convolution_by_hand() -> None:
    """8 x 8 x 8 -> 16: 8 * 16 * 64 = 8192 MAC at 1 GMAC/s, 512 + 1024 elements moved at 1 GB/s."""
    builder = GraphBuilder()
    graph = builder.graph(builder.conv(builder.input("x", 1, 8, 8, 8), 16, 1))
    costs = table(graph, rates(per_op_us=5)).costs
    assert costs["Conv0", "cpu"].latency_ns == 8192 + 1536 * 4 + 5000
    assert costs["Conv0", "gpu"].latency_ns == 8192 + 1536 * 2 + 5000
    assert costs["Conv0", "apu"].latency_ns == 8192 + 1536 + 5000
    assert [costs["Conv0", name].dtype for name in ("cpu", "gpu", "apu")] == [
        "float32",
        "float16",
        "int8",
    ]


def test_fused_followers_cost_nothing() -> None:
    builder = GraphBuilder()
    alone = builder.conv(builder.input("x", 1, 8, 8, 8), 16, 1)
    plain = table(builder.graph(alone)).costs["Conv0", "cpu"]
    fused = table(builder.graph(builder.relu(alone)))
    assert [group.ops for group in fused.groups] == [("Conv0", "Relu1")]
    assert fused.costs["Conv0", "cpu"] == plain


def test_each_class_has_its_rate() -> None:
    """One MAC count, four rates: the time differs by the rate alone."""
    soc = three_units()
    slow = msgspec.structs.replace(
        soc.units[0].rates["float32"],
        depthwise=number(0.5, "GMAC/s"),
        spatial=number(2, "GMAC/s"),
    )
    cpu = msgspec.structs.replace(soc.units[0], rates={"float32": slow})
    soc = msgspec.structs.replace(soc, units=(cpu, *soc.units[1:]))
    builder = GraphBuilder()
    source = builder.input("x", 1, 8, 8, 8)
    graph = builder.graph(
        builder.conv(source, 8, 3), builder.conv(source, 8, 3, group=8), builder.conv(source, 8, 1)
    )
    costs = cost_table(graph, soc, {}).costs
    traffic = 2 * 512 * 4
    assert costs["Conv0", "cpu"].latency_ns == 8 * 9 * 512 // 2 + traffic
    assert costs["Conv1", "cpu"].latency_ns == 9 * 512 * 2 + traffic
    assert costs["Conv2", "cpu"].latency_ns == 8 * 512 + traffic


def test_dense_takes_the_longer_of_arithmetic_and_weights() -> None:
    """1 row: 10,000 MAC take 10 us, 40,040 bytes of weights and bias 40.04 us; 100 rows: 1 ms."""
    for rows, longer in ((1, 40_040), (100, 1_000_000)):
        builder = GraphBuilder()
        source = builder.input("x", rows, 1000)
        weight, bias = builder.constant("w", 1000, 10), builder.constant("b", 10)
        graph = builder.graph(builder.op("Gemm", (source, weight, bias), (rows, 10)))
        assert table(graph).costs["Gemm0", "cpu"].latency_ns == longer + rows * 1010 * 4


def test_band_is_wider_than_the_estimate_on_both_sides() -> None:
    """Rates within 20%: the time is between 1 / 1.2 and 1 / 0.8 of the estimate, per op not."""
    wide = rates(per_op_us=1)
    wide = msgspec.structs.replace(
        wide, **{name: number(1, "GMAC/s", 0.8, 1.2) for name in ("pointwise", "dense")}
    )
    builder = GraphBuilder()
    graph = builder.graph(builder.conv(builder.input("x", 1, 8, 8, 8), 16, 1))
    cost = table(graph, wide).costs["Conv0", "cpu"]
    rest = 1536 * 4 + 1000
    assert cost.low_ns == round(8192 / 1.2 + rest)
    assert cost.high_ns == round(8192 / 0.8 + rest)


def test_elementwise_chain_pays_for_each_op() -> None:
    """No backend fuses plain arithmetic: three ops move 2 x 512 elements each."""
    builder = GraphBuilder()
    tensor = builder.input("x", 1, 8, 8, 8)
    for kind in ("Add", "Mul", "Add"):
        tensor = builder.scalar(kind, tensor)
    graph = builder.graph(tensor)
    costs = table(graph)
    assert len(costs.groups) == 1
    assert costs.costs[costs.groups[0].name, "cpu"].latency_ns == 3 * 1024 * 4


def test_views_cost_only_the_call_on_a_cpu() -> None:
    builder = GraphBuilder()
    shape = builder.constant("s", 2, dtype="int64", value=(1, 512))
    graph = builder.graph(builder.op("Reshape", (builder.input("x", 1, 8, 8, 8), shape), (1, 512)))
    costs = table(graph, rates(per_op_us=5)).costs
    assert costs["Reshape0", "cpu"].latency_ns == 5000
    assert costs["Reshape0", "gpu"].latency_ns == 5000 + 2 * 512 * 2


def test_picking_reads_no_more_than_it_writes() -> None:
    """One row of a table of 1000: 8 elements in, 8 out, and the 8 bytes of the index left out."""
    builder = GraphBuilder()
    data = builder.input("x", 1000, 8)
    rows = builder.input("i", 1, dtype="int64")
    graph = builder.graph(builder.op("Gather", (data, rows), (1, 8)))
    assert table(graph).costs["Gather0", "cpu"].latency_ns == 2 * 8 * 4


def test_shape_reads_nothing() -> None:
    builder = GraphBuilder()
    graph = builder.graph(builder.op("Shape", (builder.input("x", 9, 9),), (2,), dtype="int64"))
    assert table(graph).costs["Shape0", "cpu"].latency_ns == 2 * 8


def test_unknown_shapes_are_assumed() -> None:
    builder = GraphBuilder()
    graph = builder.graph(builder.op("Relu", (builder.input("x", None, 8),), (None, 8)))
    measured = msgspec.structs.replace(
        rates(per_op_us=7),
        per_op=msgspec.structs.replace(number(7, "us"), origin=Origin.MEASURED),
    )
    cost = table(graph, measured).costs["Relu0", "cpu"]
    assert (cost.latency_ns, cost.origin) == (7000, Origin.ASSUMED)


def test_origin_is_the_weakest_that_was_used() -> None:
    soc = profile("helio-g90")
    graph = mobilenet_v1()
    costs = cost_table(graph, soc, refusals(graph, soc)).costs
    assert costs["Conv0", "cpu-big"].origin is Origin.CALIBRATED
    assert costs["Conv0", "apu"].origin is Origin.ASSUMED


def test_refused_groups_have_no_cost() -> None:
    builder = GraphBuilder()
    graph = builder.graph(builder.op("Exp", (builder.input("x", 1, 8),), (1, 8)))
    costs = table(graph)
    assert set(costs.costs) == {("Exp0", "cpu")}
    assert costs.refusals["Exp0", "apu"] == "MACE apu: Exp not supported"


def test_quantised_groups_are_costed_at_int8_where_there_is_a_rate() -> None:
    builder = GraphBuilder()
    source = builder.input("x", 1, 8, 8, 8, dtype="uint8")
    scale = builder.constant("s")
    zero = builder.constant("z", dtype="uint8")
    real = builder.op("DequantizeLinear", (source, scale, zero), (1, 8, 8, 8))
    made = builder.conv(real, 16, 1)
    graph = builder.graph(
        builder.op("QuantizeLinear", (made, scale, zero), (1, 16, 8, 8), dtype="uint8")
    )
    costs = table(graph)
    assert [group.name for group in costs.groups] == ["Conv1"]
    cost = costs.costs["Conv1", "cpu"]
    # 512 bytes in, 1024 out: the floats between are never stored.
    assert (cost.dtype, cost.latency_ns) == ("int8", 8192 + 1536)


def test_a_unit_without_rates_is_refused() -> None:
    soc = Profile(name="bare", home="cpu", units=(unit("cpu"),))
    builder = GraphBuilder()
    graph = builder.graph(builder.relu(builder.input("x", 1, 8)))
    with pytest.raises(CostError, match="unit 'cpu' of profile bare has no rates"):
        cost_table(graph, soc, {})


def test_the_profile_of_the_documentation_costs_a_network(tmp_path: Path) -> None:
    path = tmp_path / "two-units.toml"
    path.write_text(MINIMAL, encoding="utf-8")
    soc, graph = profile(str(path)), mobilenet_v1()
    costs = cost_table(graph, soc, refusals(graph, soc))
    assert all((group.name, "cpu") in costs.costs for group in costs.groups)
    # All but the dense layer at the end: MACE's GPU has no matrix product.
    assert len(costs.costs) == 2 * len(costs.groups) - 1


def whole(graph: Graph, name: str) -> Cost:
    """All ops on one unit, supported or not, without dispatch."""
    soc = profile("helio-g90")
    costs = cost_table(graph, soc, {})
    found = [costs.costs[group.name, name] for group in costs.groups]
    first = found[0]
    return replace(
        first,
        latency_ns=sum(cost.latency_ns for cost in found),
        low_ns=sum(cost.low_ns for cost in found),
        high_ns=sum(cost.high_ns for cost in found),
    )


# Published latencies of the same cores, scaled by clock to this chip, in ms. `cpu-big` is two cores
# at 2.002 GHz, `cpu-little` six at 2.0.
#
# Two A76, MobileNetV1: Kirin 810 at 2.27 GHz, two threads, 20.8 (TNN) to 24.5 (ncnn), x 1.134.
# Two A76, ResNet-50: 218 to 255 on one at this clock (Kirin 810: bolt 192, Paddle-Lite 225), and
#   one thread takes 1.56 to 1.96 times as long as two (MobileNets on Kirin 810 and 990).
# Six A55: one at 2.0 GHz takes 138 to 152 and 619 to 655 (Kirin 810 and 990, bolt); four threads
#   are 1.9 to 3.0 times as fast as one on other boards, six at most 6 / (1 + 5 * 0.11) = 3.9.
# Mali-G76 MC4 at 720 MHz: 17 to 35 and up to 125 at 800 MHz, x 1.11; MobileNetV1 on the same GPU
#   with 16 cores at 600 MHz (Kirin 990, OpenCL) takes 8.2 to 16, ResNet-50 36.9: x 3.33 at most.
# APU: MT8168's 26.3 and 77.9 at 0.3 TOPS, x 0.3 / 0.768 = 10.3 and 30.4, within a factor of 1.5.
@pytest.mark.parametrize(
    ("net", "name", "lowest_ms", "highest_ms"),
    [
        (mobilenet_v1, "cpu-big", 23.5, 27.8),
        (resnet50, "cpu-big", 111.0, 163.0),
        (mobilenet_v1, "cpu-little", 35.4, 80.0),
        (resnet50, "cpu-little", 159.0, 345.0),
        (mobilenet_v1, "gpu", 18.9, 38.9),
        (resnet50, "gpu", 75.0, 139.0),
        (mobilenet_v1, "apu", 6.9, 15.5),
        (resnet50, "apu", 20.3, 45.6),
    ],
)
def test_helio_g90_reproduces_what_was_published_for_its_parts(
    net: Callable[[], Graph], name: str, lowest_ms: float, highest_ms: float
) -> None:
    cost = whole(net(), name)
    assert lowest_ms <= cost.latency_ns / 1e6 <= highest_ms
    assert cost.low_ns < cost.latency_ns < cost.high_ns


@pytest.mark.parametrize(("net", "mmac"), [(mobilenet_v1, 568.7), (resnet50, 3858.0)])
def test_the_networks_have_the_published_work(net: Callable[[], Graph], mmac: float) -> None:
    graph = net()
    total = sum(op_features(graph, op).macs for op in graph.ops)
    assert total / 1e6 == pytest.approx(mmac, rel=0.001)


def test_an_unknown_framework_of_a_unit_is_named_with_profile_and_unit() -> None:
    soc = three_units()
    wrong = msgspec.structs.replace(soc.units[1], framework="nosuch")
    soc = msgspec.structs.replace(soc, units=(soc.units[0], wrong, soc.units[2]))
    with pytest.raises(CapabilityError, match="profile three, unit 'gpu': unknown framework 'nosu"):
        refusals(mobilenet_v1(), soc)


def test_each_kind_of_convolution_has_its_rate() -> None:
    """3x3 of 16 channels and more in fours: Winograd, unless it has a stride or a dilation."""

    def rate(kernel: int = 3, stride: int = 1, dilation: int = 1, channels: int = 16) -> str:
        return spatial_rate(
            kernel=(kernel, kernel),
            strides=(stride, stride),
            dilations=(dilation, dilation),
            inputs=channels,
            outputs=16,
            groups=1,
        )

    assert rate() == "winograd"
    assert rate(stride=2) == "spatial"
    assert rate(dilation=2) == "spatial"
    assert rate(kernel=5) == "spatial"
    assert rate(channels=3) == "spatial"
    assert rate(channels=18) == "spatial"


@pytest.mark.parametrize(("width", "expected"), [(8, "grouped"), (16, "winograd")])
def test_groups_of_few_channels_have_a_rate_of_their_own(width: int, expected: str) -> None:
    found = spatial_rate(
        kernel=(3, 3), strides=(1, 1), dilations=(1, 1), inputs=width, outputs=width, groups=4
    )
    assert found == expected


def test_rates_of_their_own_are_used_where_stated() -> None:
    """At 2 instead of 1 MAC per ns, ResNet-50's 3x3 convolutions take half as long."""
    plain = rates(1, 1)
    fast = msgspec.structs.replace(plain, winograd=number(2, "GMAC/s"))
    times = []
    for given in (plain, fast):
        soc = three_units(given)
        costs = cost_table(resnet50(), soc, {}).costs
        times.append(sum(cost.latency_ns for (_, unit), cost in costs.items() if unit == "cpu"))
    saved = graph_features(resnet50()).winograd / 2
    assert saved > 5e8
    assert times[0] - times[1] == pytest.approx(saved, rel=1e-4)
