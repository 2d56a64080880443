import random

from hypothesis import given
from hypothesis import strategies as st

from hetsched.cost.fusion import groups
from hetsched.cost.table import Group
from hetsched.ir.graph import Graph
from tests.unit.cost.nets import GraphBuilder

UNITS = ("cpu", "apu")


def fused(graph: Graph, *refused: str) -> list[tuple[str, ...]]:
    """Groups when the APU refuses some ops."""
    return [g.ops for g in groups(graph, {(op, "apu"): "no" for op in refused}, UNITS)]


def names(graph: Graph, *refused: str) -> list[str]:
    return [g.name for g in groups(graph, {(op, "apu"): "no" for op in refused}, UNITS)]


def batchnorm(builder: GraphBuilder, source: str) -> str:
    shape = builder.tensors[source].shape or ()
    at = len(builder.ops)
    parameters = [builder.constant(f"bn{at}.{i}", shape[1] or 0) for i in range(4)]
    return builder.op("BatchNormalization", (source, *parameters), shape)


def conv_start() -> tuple[GraphBuilder, str]:
    builder = GraphBuilder()
    return builder, builder.conv(builder.input("x", 1, 4, 8, 8), 4, 1)


def hard_swish(builder: GraphBuilder, source: str) -> str:
    """x * clip(x + 3, 0, 6) / 6 as exporters write it."""
    inner = builder.scalar("Add", source)
    inner = builder.op("Clip", (inner,), builder.tensors[source].shape or ())
    return builder.scalar("Div", builder.binary("Mul", source, inner))


def test_convolution_takes_normalisation_bias_and_activation() -> None:
    builder, tensor = conv_start()
    tensor = builder.relu(builder.scalar("Add", batchnorm(builder, tensor)))
    graph = builder.graph(tensor)
    assert fused(graph) == [("Conv0", "BatchNormalization1", "Add2", "Relu3")]
    assert names(graph) == ["Conv0"]


def test_a_follower_that_other_units_run_is_split_off() -> None:
    builder, tensor = conv_start()
    graph = builder.graph(builder.op("HardSigmoid", (tensor,), (1, 4, 8, 8)))
    assert fused(graph) == [("Conv0", "HardSigmoid1")]
    assert fused(graph, "HardSigmoid1") == [("Conv0",), ("HardSigmoid1",)]


def test_batch_normalisation_stays_with_its_convolution() -> None:
    builder, tensor = conv_start()
    graph = builder.graph(batchnorm(builder, tensor))
    assert fused(graph, "BatchNormalization1") == [("Conv0", "BatchNormalization1")]
    assert fused(graph, "Conv0") == [("Conv0", "BatchNormalization1")]


def test_batch_normalisation_of_a_shared_tensor_stays_apart() -> None:
    builder, tensor = conv_start()
    graph = builder.graph(batchnorm(builder, tensor), builder.relu(tensor))
    assert fused(graph) == [("Conv0",), ("BatchNormalization1",), ("Relu2",)]


def test_batch_normalisation_on_its_own_is_part_of_a_chain() -> None:
    builder = GraphBuilder()
    tensor = builder.relu(batchnorm(builder, builder.input("x", 1, 4, 8, 8)))
    graph = builder.graph(builder.conv(tensor, 4, 1))
    assert fused(graph, "BatchNormalization0") == [("BatchNormalization0", "Relu1"), ("Conv2",)]


def test_a_tensor_that_others_need_is_not_fused_away() -> None:
    builder, tensor = conv_start()
    graph = builder.graph(builder.relu(tensor), tensor)
    assert fused(graph) == [("Conv0",), ("Relu1",)]


def test_gates_are_fused_with_what_they_gate() -> None:
    builder, tensor = conv_start()
    gate = builder.op("HardSigmoid", (tensor,), (1, 4, 8, 8))
    graph = builder.graph(builder.binary("Mul", tensor, gate))
    assert fused(graph) == [("Conv0", "HardSigmoid1", "Mul2")]
    builder, tensor = conv_start()
    gate = builder.op("Sigmoid", (tensor,), (1, 4, 8, 8))
    graph = builder.graph(builder.binary("Mul", gate, tensor))
    assert fused(graph) == [("Conv0", "Sigmoid1", "Mul2")]


def test_a_gate_that_a_unit_refuses_in_part_is_one_group_of_its_own() -> None:
    builder, tensor = conv_start()
    graph = builder.graph(hard_swish(builder, tensor))
    assert fused(graph) == [("Conv0", "Add1", "Clip2", "Mul3", "Div4")]
    assert fused(graph, "Add1", "Div4") == [("Conv0",), ("Add1", "Clip2", "Mul3", "Div4")]


def test_residual_addition_starts_a_group() -> None:
    builder, tensor = conv_start()
    other = builder.conv(tensor, 4, 3)
    graph = builder.graph(builder.relu(builder.binary("Add", other, tensor)))
    assert fused(graph) == [("Conv0",), ("Conv1",), ("Add2", "Relu3")]


def test_quantised_convolution_is_one_group() -> None:
    builder = GraphBuilder()
    source = builder.input("x", 1, 4, 8, 8, dtype="uint8")
    scale, zero = builder.constant("s"), builder.constant("z", dtype="uint8")
    real = builder.op("DequantizeLinear", (source, scale, zero), (1, 4, 8, 8))
    made = builder.relu(builder.conv(real, 4, 1))
    graph = builder.graph(
        builder.op("QuantizeLinear", (made, scale, zero), (1, 4, 8, 8), dtype="uint8")
    )
    whole = [("DequantizeLinear0", "Conv1", "Relu2", "QuantizeLinear3")]
    assert fused(graph) == whole
    assert names(graph) == ["Conv1"]
    assert fused(graph, "DequantizeLinear0") == whole
    assert fused(graph, "Conv1") == whole


def test_dequantised_tensor_with_two_readers_stays_apart() -> None:
    builder = GraphBuilder()
    source = builder.input("x", 1, 4, 8, 8, dtype="uint8")
    scale, zero = builder.constant("s"), builder.constant("z", dtype="uint8")
    real = builder.op("DequantizeLinear", (source, scale, zero), (1, 4, 8, 8))
    graph = builder.graph(builder.conv(real, 4, 1), builder.conv(real, 4, 1))
    assert fused(graph) == [("DequantizeLinear0",), ("Conv1",), ("Conv2",)]


def test_shape_arithmetic_goes_with_its_reader() -> None:
    builder = GraphBuilder()
    source = builder.input("x", 1, 4, 8, 8)
    sizes = builder.op("Shape", (source,), (4,), dtype="int64")
    index = builder.constant("i", dtype="int64", value=(0,))
    first = builder.op("Gather", (sizes, index), (1,), dtype="int64")
    rest = builder.constant("r", 1, dtype="int64", value=(-1,))
    target = builder.op("Concat", (first, rest), (2,), dtype="int64")
    graph = builder.graph(builder.op("Reshape", (source, target), (1, 256)))
    assert fused(graph) == [("Shape0", "Gather1", "Concat2", "Reshape3")]
    assert names(graph) == ["Reshape3"]
    # The APU runs the Reshape alone.
    assert fused(graph, "Shape0", "Gather1", "Concat2") == [
        ("Shape0", "Gather1", "Concat2"),
        ("Reshape3",),
    ]


def test_shape_arithmetic_that_is_an_output_stays() -> None:
    builder = GraphBuilder()
    source = builder.input("x", 1, 4, 8, 8)
    sizes = builder.op("Shape", (source,), (4,), dtype="int64")
    graph = builder.graph(builder.op("Reshape", (source, sizes), (1, 4, 8, 8)), sizes)
    assert fused(graph) == [("Shape0",), ("Reshape1",)]


def test_ops_that_no_unit_runs_are_kept() -> None:
    builder, tensor = conv_start()
    graph = builder.graph(builder.relu(tensor))
    refusals = {("Relu1", unit): "no" for unit in UNITS}
    assert [g.ops for g in groups(graph, refusals, UNITS)] == [("Conv0",), ("Relu1",)]


def random_graph(seed: int, size: int) -> Graph:
    """Ops of all kinds that read any tensors of before; some constants, some outputs."""
    chance = random.Random(seed)
    builder = GraphBuilder()
    tensors = [builder.input("x", 1, 4, 4, 4)]
    kinds = ("conv", "relu", "scalar", "Add", "Mul", "gate", "bn", "dq", "q", "Concat", "shape")
    for _ in range(size):
        kind = chance.choice(kinds)
        recent = tensors[-3:] if chance.random() < 0.7 else tensors
        source = chance.choice(recent)
        if kind == "conv":
            tensors.append(builder.conv(source, 4, chance.choice((1, 3))))
        elif kind == "relu":
            tensors.append(builder.relu(source))
        elif kind == "scalar":
            tensors.append(builder.scalar(chance.choice(("Add", "Mul", "Sub")), source))
        elif kind == "gate":
            tensors.append(hard_swish(builder, source))
        elif kind == "bn":
            tensors.append(batchnorm(builder, source))
        elif kind in ("dq", "q"):
            name = "DequantizeLinear" if kind == "dq" else "QuantizeLinear"
            scale = builder.constant(f"s{len(builder.ops)}")
            tensors.append(builder.op(name, (source, scale), (1, 4, 4, 4)))
        elif kind == "shape":
            sizes = builder.op("Shape", (source,), (4,), dtype="int64")
            tensors.append(builder.op("Reshape", (chance.choice(recent), sizes), (1, 4, 4, 4)))
        else:
            other = chance.choice(tensors)
            tensors.append(builder.op(kind, (source, other), (1, 4, 4, 4)))
    extra = [name for name in tensors[1:-1] if chance.random() < 0.1]
    return builder.graph(*dict.fromkeys((*extra, tensors[-1])))


def check_order(graph: Graph, found: tuple[Group, ...]) -> None:
    """Each op once; each group after all groups that it reads from, hence acyclic and convex."""
    group_of = {op: index for index, group in enumerate(found) for op in group.ops}
    assert sorted(op for group in found for op in group.ops) == sorted(op.name for op in graph.ops)
    assert len({group.name for group in found}) == len(found)
    position = {op.name: index for index, op in enumerate(graph.ops)}
    for index, group in enumerate(found):
        assert group.name in group.ops
        assert list(group.ops) == sorted(group.ops, key=position.__getitem__)
        for name in group.ops:
            for tensor in graph.op[name].reads:
                producer = graph.producer.get(tensor)
                assert producer is None or group_of[producer.name] <= index


@given(seed=st.integers(0, 2**32), size=st.integers(1, 40), refused=st.floats(0, 0.6))
def test_groups_of_random_graphs_are_an_acyclic_partition(
    seed: int, size: int, refused: float
) -> None:
    graph = random_graph(seed, size)
    chance = random.Random(seed + 1)
    refusals = {(op.name, "apu"): "no" for op in graph.ops if chance.random() < refused}
    found = groups(graph, refusals, UNITS)
    check_order(graph, found)
    assert found == groups(graph, refusals, UNITS)


def test_ten_thousand_ops_in_a_row() -> None:
    """Long chains of every mergeable kind: each op is looked at a bounded number of times."""
    builder = GraphBuilder()
    tensor = builder.input("x", 1, 4, 4, 4)
    for _ in range(2500):
        tensor = builder.relu(builder.conv(tensor, 4, 1))
    for _ in range(2500):
        tensor = builder.scalar("Add", tensor)
    sizes = builder.op("Shape", (tensor,), (4,), dtype="int64")
    for _ in range(2499):
        sizes = builder.op("Identity", (sizes,), (4,), dtype="int64")
    graph = builder.graph(builder.op("Reshape", (tensor, sizes), (1, 4, 4, 4)))
    found = groups(graph, {}, UNITS)
    check_order(graph, found)
    assert len(found) == 2500 + 1
