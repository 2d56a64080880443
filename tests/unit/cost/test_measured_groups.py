"""Optimised nodes and ops: which group each belongs to."""

from hetsched.cost.measured_groups import grouping
from hetsched.ir.graph import Graph, Op, Tensor
from hetsched.ir.parts import Node


def op(name: str, reads: str, writes: str, op_type: str = "Relu") -> Op:
    return Op(
        name=name,
        op_type=op_type,
        opset=17,
        inputs=tuple(reads.split()),
        outputs=tuple(writes.split()),
    )


def node(reads: str, writes: str) -> Node:
    return Node(
        name="",
        op_type="Relu",
        domain="",
        inputs=tuple(reads.split()),
        outputs=tuple(writes.split()),
        reads=tuple(reads.split()),
    )


def graph(*ops: Op, outputs: str) -> Graph:
    names = dict.fromkeys(name for each in ops for name in (*each.inputs, *each.outputs))
    made = {name for each in ops for name in each.outputs}
    return Graph(
        ops=ops,
        tensors={name: Tensor(name=name, dtype="float32", shape=(1, 4)) for name in names},
        inputs=tuple(name for name in names if name not in made),
        outputs=tuple(outputs.split()),
        constants=frozenset(),
    )


def test_ops_of_one_node_are_one_group_named_after_its_heaviest_op() -> None:
    weights = op("fc", "h x", "y", "MatMul")  # the only one with multiply-accumulates
    model = graph(op("neg", "x", "h"), weights, op("relu", "y", "z"), outputs="z")
    found = grouping(model, [node("x", "z")], {"neg": 0, "fc": 0, "relu": 0})
    assert [(group.name, group.ops) for group in found.groups] == [("fc", ("neg", "fc", "relu"))]
    assert found.group_of_node == (0,)


def test_of_two_ops_the_heavier_gives_the_name() -> None:
    model = graph(op("neg", "x", "h"), op("fc", "h x", "y", "MatMul"), outputs="y")
    assert grouping(model, [node("x", "y")], {"neg": 0, "fc": 0}).groups[0].name == "fc"


def test_groups_come_in_a_topological_order_near_the_graphs() -> None:
    model = graph(
        op("a", "x", "a1"), op("b", "x", "b1"), op("c", "a1 b1", "c1"), op("d", "b1", "d1"),
        outputs="c1 d1",
    )  # fmt: skip
    nodes = [node("x", "b1"), node("b1", "d1"), node("x", "a1"), node("a1 b1", "c1")]
    found = grouping(model, nodes, {"a": 2, "b": 0, "c": 3, "d": 1})
    assert [group.name for group in found.groups] == ["a", "b", "c", "d"]
    assert found.group_of_node == (1, 3, 0, 2)


def test_groups_that_wait_for_each_other_become_one() -> None:
    # a and c are in one node, b between them in another: neither could run first.
    model = graph(op("a", "x", "p"), op("b", "p", "q"), op("c", "q p", "r"), outputs="r")
    found = grouping(model, [node("x", "r"), node("r", "q")], {"a": 0, "b": 1, "c": 0})
    assert [group.ops for group in found.groups] == [("a", "b", "c")]
    assert found.group_of_node == (0, 0)


def test_a_change_of_layout_goes_to_its_maker_else_to_its_first_reader() -> None:
    model = graph(op("a", "x", "a1"), op("b", "a1", "b1"), outputs="b1")
    nodes = [node("x", "r0"), node("r0", "a1"), node("a1", "r1"), node("r1", "b1")]
    found = grouping(model, nodes, {"a": 1, "b": 3})
    assert found.group_of_node == (0, 0, 0, 1)


def test_a_node_without_neighbours_goes_to_the_first_group() -> None:
    model = graph(op("a", "x", "a1"), outputs="a1")
    found = grouping(model, [node("", "c"), node("x", "a1")], {"a": 1})
    assert found.group_of_node == (0, 0)


def test_a_change_of_layout_that_reads_an_input_goes_to_its_first_reader() -> None:
    model = graph(op("a", "x", "a1"), op("b", "u", "b1"), op("c", "u b1", "c1"), outputs="a1 c1")
    nodes = [node("u", "r0"), node("x", "a1"), node("r0", "b1"), node("r0 b1", "c1")]
    found = grouping(model, nodes, {"a": 1, "b": 2, "c": 3})
    assert found.group_of_node == (1, 0, 1, 2)


def test_ops_that_went_nowhere_dont_join_each_other_or_a_node() -> None:
    model = graph(op("a", "x", "p"), op("b", "p", "q"), op("c", "q", "r"), outputs="r")
    found = grouping(model, [node("q", "r")], {"a": None, "b": None, "c": 0})
    assert [group.ops for group in found.groups] == [("a",), ("b",), ("c",)]


def test_an_op_that_went_nowhere_is_a_group_of_its_own() -> None:
    model = graph(op("a", "x", "a1"), op("b", "a1", "b1"), outputs="b1")
    found = grouping(model, [node("x", "b1")], {"a": None, "b": 0})
    assert [group.ops for group in found.groups] == [("a",), ("b",)]
    assert found.group_of_node == (1,)


def test_a_model_without_ops_has_no_groups() -> None:
    found = grouping(graph(outputs=""), [node("x", "y")], {})
    assert found.groups == ()
