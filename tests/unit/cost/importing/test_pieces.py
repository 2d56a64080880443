"""From kernels to groups: sums, shares, and times that no unit reaches."""

from pathlib import Path

import pytest

from hetsched.cost.importing.anchor import anchor
from hetsched.cost.importing.physical import check_pieces
from hetsched.cost.importing.pieces import Piece, group_costs, pieces
from hetsched.cost.importing.table import read as read_table
from hetsched.cost.importing.tflite import read as read_tflite
from hetsched.cost.table import Group
from hetsched.errors import CostError
from hetsched.ir.graph import Graph
from hetsched.ir.load import load
from hetsched.quantity import Origin
from hetsched.soc.catalog import profile
from hetsched.testing import chain_graph

from .samples import TFLITE_XNNPACK, WANTED, text, write_net

GROUPS = (
    Group(name="conv", ops=("conv", "relu")),
    Group(name="dw", ops=("dw",)),
    Group(name="pw", ops=("pw",)),
    Group(name="sum", ops=("sum",)),
    Group(name="pool", ops=("pool",)),
    Group(name="fc", ops=("flat", "fc")),
)


@pytest.fixture
def graph(tmp_path: Path) -> Graph:
    return load(write_net(tmp_path / "net.onnx")).graph


def piece(*ops: str, latency_ns: int, tick_ns: int = 0) -> Piece:
    return Piece(
        ops=ops, at="f:1", latency_ns=latency_ns, low_ns=latency_ns // 2, high_ns=latency_ns * 2,
        tick_ns=tick_ns, runs=3,
    )  # fmt: skip


def test_a_complete_table_gives_every_op_to_a_kernel(graph: Graph) -> None:
    rows = read_tflite(text(TFLITE_XNNPACK), WANTED)
    found = pieces(graph, rows, anchor(graph, rows, whole_table=True), GROUPS)
    assert [(each.ops, each.latency_ns) for each in found] == [
        (("conv", "relu"), 400_000),
        (("dw",), 200_000),
        (("pw",), 250_000),
        (("sum",), 50_000),
        (("pool", "flat"), 80_000),  # Flatten has no kernel: it joins what is before it
        (("fc",), 20_000),
    ]


def test_a_partial_table_takes_only_what_is_fused_for_certain(graph: Graph) -> None:
    rows = read_table(text("op,time_ms\nconv,2\nsum,1\n"), WANTED)
    found = pieces(graph, rows, anchor(graph, rows, whole_table=True), GROUPS)
    assert [(each.ops, each.latency_ns) for each in found] == [
        (("conv", "relu"), 2_000_000),
        (("sum",), 1_000_000),
    ]
    assert group_costs(graph, GROUPS, found).keys() == {"conv", "sum"}


def test_a_groups_time_is_the_sum_of_its_pieces(graph: Graph) -> None:
    found = [piece("conv", latency_ns=70), piece("relu", latency_ns=30)]
    cost = group_costs(graph, GROUPS, found)["conv"]
    assert (cost.latency_ns, cost.low_ns, cost.high_ns, cost.runs) == (100, 50, 200, 3)
    assert cost.origin is Origin.MEASURED


def test_what_the_device_fused_across_groups_is_split_and_no_longer_measured(graph: Graph) -> None:
    # pw: 8 * 8 MACs for each of 32 * 32 positions, and 8 values made there: 72 * 1024.
    # sum: no MACs, 8 values made at each position: 8 * 1024. So 9 : 1.
    found = [piece("pw", "sum", latency_ns=1000)]
    costs = group_costs(graph, GROUPS, found)
    assert {name: cost.latency_ns for name, cost in costs.items()} == {"pw": 900, "sum": 100}
    assert {cost.origin for cost in costs.values()} == {Origin.CALIBRATED}


def test_a_view_takes_no_share_of_what_it_went_into(graph: Graph) -> None:
    groups = (Group(name="pool", ops=("pool",)), Group(name="flat", ops=("flat",)))
    costs = group_costs(graph, groups, [piece("pool", "flat", latency_ns=80)])
    assert {name: cost.latency_ns for name, cost in costs.items()} == {"pool": 80, "flat": 0}
    assert {cost.origin for cost in costs.values()} == {Origin.MEASURED}


def test_quantisation_takes_no_share_of_an_integer_kernel() -> None:
    # An int8 runtime runs two kernels; the DequantizeLinear between them is in none, and joins the
    # one before. hetsched's groups have it with the one after.
    graph = chain_graph("Relu", "DequantizeLinear", "Sigmoid")
    relu, dequantize, sigmoid = (op.name for op in graph.ops)
    groups = (Group(name=relu, ops=(relu,)), Group(name=sigmoid, ops=(dequantize, sigmoid)))
    found = [piece(relu, dequantize, latency_ns=50), piece(sigmoid, latency_ns=30)]
    costs = group_costs(graph, groups, found)
    assert {name: cost.latency_ns for name, cost in costs.items()} == {relu: 50, sigmoid: 30}
    assert {cost.origin for cost in costs.values()} == {Origin.MEASURED}


def test_a_group_with_an_op_without_time_has_none(graph: Graph) -> None:
    assert group_costs(graph, GROUPS, [piece("fc", latency_ns=10)]) == {}


def test_a_time_beyond_the_physical_peak_is_refused_with_the_rate(graph: Graph) -> None:
    gpu = profile("helio-g90").unit("gpu")
    peak = gpu.peak.base("rate") if gpu.peak is not None else 0.0
    # pw: 64 MACs at 1024 positions. At the peak they take 65536 / peak seconds.
    least_ns = 65536 / peak * 1e9
    check_pieces(graph, [piece("pw", latency_ns=round(least_ns) + 1)], gpu, "float16")
    fast = piece("pw", latency_ns=100)
    with pytest.raises(CostError) as caught:
        check_pieces(graph, [fast], gpu, "float16")
    for part in ("f:1", "0.0001 ms", "655.4 GMAC/s", f"{peak / 1e9:.4g} GMAC/s", "physical peak"):
        assert part in str(caught.value)
    # Rounded to microseconds the same time could be up to 1.1 us.
    check_pieces(graph, [piece("pw", latency_ns=100, tick_ns=1000)], gpu, "float16")


def test_k_x_k_convolutions_may_gain_what_winograd_saves(graph: Graph) -> None:
    gpu = profile("helio-g90").unit("gpu")
    peak = gpu.peak.base("rate") if gpu.peak is not None else 0.0
    # conv: 8 * 3 * 9 MACs at 1024 positions; F(6x6, 3x3) needs 64 of 324 products.
    least_ns = 216 * 1024 / (324 / 64) / peak * 1e9
    check_pieces(graph, [piece("conv", latency_ns=round(least_ns) + 1)], gpu, "float16")
    with pytest.raises(CostError, match="beyond the physical peak"):
        check_pieces(graph, [piece("conv", latency_ns=round(least_ns) - 5)], gpu, "float16")


def test_without_a_known_peak_nothing_is_checked(graph: Graph) -> None:
    gpu = profile("helio-g90").unit("gpu")
    check_pieces(graph, [piece("pw", latency_ns=1)], gpu, "bfloat16")


def test_elements_made_faster_than_multiplied_are_refused(graph: Graph) -> None:
    gpu = profile("helio-g90").unit("gpu")
    peak = gpu.peak.base("rate") if gpu.peak is not None else 0.0
    relu = next(op for op in graph.ops if op.op_type == "Relu")
    elements = graph.tensors[relu.writes[0]].elements or 0
    least_ns = round(elements / peak * 1e9)
    assert least_ns > 1
    check_pieces(graph, [piece(relu.name, latency_ns=least_ns + 1)], gpu, "float16")
    with pytest.raises(CostError, match=f"f:1: .* to make {elements:,} elements is beyond"):
        check_pieces(graph, [piece(relu.name, latency_ns=least_ns - 1)], gpu, "float16")
