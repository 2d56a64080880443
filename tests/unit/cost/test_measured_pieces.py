"""Pieces of a model: groups and changes of layout, each with a key of its own."""

from hetsched.cost.measured_groups import Grouping
from hetsched.cost.measured_pieces import form, pieces
from hetsched.cost.table import Group
from hetsched.ir.graph import Graph
from hetsched.ir.parts import Node
from hetsched.testing import chain_graph


def node(kind: str, reads: str, writes: str, domain: str = "") -> Node:
    return Node(
        name=writes, op_type=kind, domain=domain, inputs=(reads,), outputs=(writes,), reads=(reads,)
    )


NCHWC = "com.microsoft.nchwc"
NODES = (
    node("ReorderInput", "x", "x_nchwc", NCHWC),
    node("MaxPool", "x_nchwc", "t1_nchwc", NCHWC),
    node("ReorderOutput", "t1_nchwc", "t1", NCHWC),
    node("Relu", "t1", "y"),
)


def two_groups() -> tuple[Graph, Grouping]:
    graph = chain_graph("MaxPool", "Relu")
    groups = tuple(Group(name=op.name, ops=(op.name,)) for op in graph.ops)
    return graph, Grouping(groups=groups, group_of_node=(0, 0, 0, 1))


def test_changes_of_layout_are_pieces_of_their_own() -> None:
    found = pieces(*two_groups()[:1], NODES, two_groups()[1])
    assert [(piece.what, piece.group, piece.nodes, piece.boundary) for piece in found] == [
        ("MaxPool 1x8x16x16 -> 1x8x16x16", 0, (1,), False),
        ("Relu 1x8x16x16 -> 1x8x16x16", 1, (3,), False),
        ("ReorderInput 1x8x16x16", 0, (0,), True),
        ("ReorderOutput 1x8x16x16", 0, (2,), True),
    ]
    assert [piece.key.form for piece in found] == [
        "MaxPool:nchwc", "Relu", "ReorderInput:nchwc", "ReorderOutput:nchwc",
    ]  # fmt: skip
    assert len({piece.key.signature for piece in found}) == 4


def test_the_form_tells_kernels_of_the_same_ops_apart() -> None:
    graph, grouped = two_groups()
    plain = (node("Identity", "x", "a"), node("MaxPool", "a", "b"), NODES[2], NODES[3])
    one, other = pieces(graph, NODES, grouped)[0], pieces(graph, plain, grouped)[0]
    assert one.key.signature == other.key.signature
    assert (one.key.form, other.key.form) == ("MaxPool:nchwc", "Identity, MaxPool")


def test_equal_kernels_are_counted() -> None:
    assert form([NODES[3], NODES[1], NODES[3]]) == "MaxPool:nchwc, Relu 2"
