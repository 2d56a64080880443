"""From names to the placement problem: expected values follow from the profile of `three_units`.

Its units are cpu (home, float32), gpu (float16) and apu (int8), all at 1 GMAC/s, 1 GB/s and without
per-op time; links take 100 us and 1 GB/s; a dispatch takes 10 us.
"""

from collections.abc import Mapping

import msgspec
import pytest

from hetsched.cost.table import Cost, CostTable, Group
from hetsched.errors import PlacementError
from hetsched.ir.graph import Graph, Op, Tensor
from hetsched.plan.problem import Restrictions, build_problem, stored_bytes, weights_bytes
from hetsched.quantity import End, Origin
from hetsched.testing import chain_graph
from tests.unit.soc.samples import three_units

UNITS = ("cpu", "gpu", "apu")


def table(graph: Graph, refusals: Mapping[tuple[str, str], str] | None = None) -> CostTable:
    """Every op a group of its own that takes 2 us, 1 to 4, everywhere where it isn't refused."""
    refused = dict(refusals or {})
    cost = Cost(latency_ns=2000, low_ns=1000, high_ns=4000, origin=Origin.ASSUMED, dtype="float32")
    return CostTable(
        groups=tuple(Group(name=op.name, ops=(op.name,)) for op in graph.ops),
        costs={
            (op.name, u): cost for op in graph.ops for u in UNITS if (op.name, u) not in refused
        },
        refusals=refused,
    )


def test_inner_tensors_and_inputs_become_edges_and_outputs_dont() -> None:
    # Tensors of 1000 float32: 4000 bytes at 1 GB/s are 4 us, plus 100 us for the link.
    graph = chain_graph("Relu", "Abs", shape=(1000,))
    problem = build_problem(graph, three_units(), table(graph))
    assert [(edge.name, edge.producer, edge.consumers) for edge in problem.edges] == [
        ("x", None, (0,)),
        ("t1", 0, (1,)),
    ]
    assert problem.edges[1].transfer_ns == (
        (0, 104_000, 104_000),
        (104_000, 0, 104_000),
        (104_000, 104_000, 0),
    )
    assert problem.home == 0
    assert problem.dispatch_ns == (10_000, 10_000, 10_000)


def test_the_maker_of_an_output_delivers_it_home() -> None:
    # 2 us of work, and away from home 104 us for the delivery of y.
    graph = chain_graph("Relu", shape=(1000,))
    problem = build_problem(graph, three_units(), table(graph))
    assert problem.cost_ns == ((2_000, 106_000, 106_000),)


def test_an_output_that_others_read_is_at_home_already() -> None:
    # a is an output and B's input: delivered by its maker, free for a B at home.
    graph = Graph(
        ops=(
            Op(name="A", op_type="Relu", opset=17, inputs=("x",), outputs=("a",)),
            Op(name="B", op_type="Abs", opset=17, inputs=("a",), outputs=("b",)),
        ),
        tensors={n: Tensor(name=n, dtype="float32", shape=(1000,)) for n in ("x", "a", "b")},
        inputs=("x",),
        outputs=("a", "b"),
        constants=frozenset(),
    )
    problem = build_problem(graph, three_units(), table(graph))
    assert problem.edges[1].transfer_ns == ((0, 104_000, 104_000), (0, 0, 104_000), (0, 104_000, 0))


def test_requests_that_are_anywhere_cross_nothing() -> None:
    # The input is no edge, the output is delivered to nobody; what lies between costs as before.
    graph = chain_graph("Relu", "Abs", shape=(1000,))
    anywhere = msgspec.structs.replace(three_units(), requests="anywhere")
    problem = build_problem(graph, anywhere, table(graph))
    assert [(edge.name, edge.transfer_ns[0]) for edge in problem.edges] == [
        ("t1", (0, 104_000, 104_000))
    ]
    assert problem.cost_ns == ((2_000, 2_000, 2_000), (2_000, 2_000, 2_000))


def test_an_end_of_the_bands_reaches_every_cost() -> None:
    graph = chain_graph("Relu", "Abs", shape=(1000,))
    high = build_problem(graph, three_units(), table(graph), end=End.HIGH)
    assert high.cost_ns[0] == (4_000, 4_000, 4_000)


def test_pins_and_caps_are_kept_and_told() -> None:
    graph = chain_graph("Relu", "Abs", shape=(1000,))
    wanted = Restrictions(pins={"Abs_1": "gpu"}, max_subgraphs={"apu": 0})
    problem = build_problem(graph, three_units(), table(graph), wanted)
    assert [cost is None for cost in problem.cost_ns[1]] == [True, False, True]
    assert problem.refusals[1, 0] == "op 'Abs_1' is pinned to gpu"
    assert problem.max_stages == (None, None, 0)


def test_a_refused_group_carries_its_ops_reasons() -> None:
    graph = chain_graph("Relu", shape=(1000,))
    problem = build_problem(graph, three_units(), table(graph, {("Relu_0", "apu"): "no kernel"}))
    assert problem.cost_ns[0][2] is None
    assert problem.refusals == {(0, 2): "'Relu_0': no kernel"}


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        (Restrictions(pins={"nope": "cpu"}, max_subgraphs={}), "no op 'nope'"),
        (Restrictions(pins={"Relu_0": "tpu"}, max_subgraphs={}), "no unit 'tpu', only cpu, gpu"),
        (Restrictions(pins={}, max_subgraphs={"tpu": 1}), "no unit 'tpu', only cpu, gpu"),
    ],
)
def test_unknown_names_are_refused(wanted: Restrictions, message: str) -> None:
    graph = chain_graph("Relu")
    with pytest.raises(PlacementError, match=message):
        build_problem(graph, three_units(), table(graph), wanted)


def test_accelerators_claim_first_and_cpus_are_known() -> None:
    graph = chain_graph("Relu")
    problem = build_problem(graph, three_units(), table(graph))
    assert problem.priority == (2, 1, 0)
    assert problem.cpus == (0,)


def test_floats_are_kept_in_the_units_dtype_and_indices_as_they_are() -> None:
    # 10 floats and 10 indices: 40 + 80 bytes in float32, 10 + 80 in int8.
    tensors = {
        "w": Tensor(name="w", dtype="float32", shape=(10,)),
        "i": Tensor(name="i", dtype="int64", shape=(10,)),
        "y": Tensor(name="y", dtype="float32", shape=(10,)),
    }
    op = Op(name="g", op_type="Gather", opset=17, inputs=("w", "i"), outputs=("y",))
    graph = Graph(
        ops=(op,), tensors=tensors, inputs=(), outputs=("y",), constants=frozenset({"w", "i"})
    )
    assert stored_bytes(tensors["w"], "int8") == 10
    assert weights_bytes(graph, ("g",), "float32") == 120
    assert weights_bytes(graph, ("g",), "int8") == 90
