"""Optimised nodes back to the model's ops."""

from hetsched.backends.ort.mapping import NCHWC_DOMAIN, anchors, head_type, is_reorder, node_of_op
from hetsched.ir.graph import Graph, Op, Tensor
from hetsched.ir.parts import Node


def op(name: str, op_type: str, reads: tuple[str, ...], writes: tuple[str, ...]) -> Op:
    return Op(name=name, op_type=op_type, opset=21, inputs=reads, outputs=writes)


def graph(*ops: Op, outputs: tuple[str, ...], constants: tuple[str, ...] = ()) -> Graph:
    names = dict.fromkeys(name for one in ops for name in (*one.reads, *one.writes))
    made = {name for one in ops for name in one.writes}
    return Graph(
        ops=ops,
        tensors={name: Tensor(name=name, dtype="float32", shape=(1,)) for name in names},
        inputs=tuple(name for name in names if name not in made and name not in constants),
        outputs=outputs,
        constants=frozenset(constants),
    )


def node(
    op_type: str, name: str, reads: tuple[str, ...], writes: tuple[str, ...], domain: str = ""
) -> Node:
    return Node(
        name=name, op_type=op_type, domain=domain, inputs=reads, outputs=writes, reads=reads
    )


CHAIN = graph(
    op("conv", "Conv", ("x", "w"), ("c",)),
    op("bn", "BatchNormalization", ("c",), ("b",)),
    op("relu", "Relu", ("b",), ("r",)),
    op("next", "Conv", ("r", "w"), ("n",)),
    op("last", "Relu", ("n",), ("y",)),
    outputs=("y",),
    constants=("w",),
)


def test_output_names_anchor_first() -> None:
    nodes = [node("Conv", "whatever", ("x",), ("r",)), node("Conv", "conv", ("r",), ("y",))]
    assert anchors(CHAIN, nodes) == ("relu", "last")


def test_blocked_layout_names() -> None:
    nodes = [
        node("Conv", "r_nchwc", ("x",), ("t0",), NCHWC_DOMAIN),
        node("Conv", "n_bn_nchwc", ("t0",), ("t1",), NCHWC_DOMAIN),
        node("Conv", "conv_mul_nchwc", ("t0",), ("t2",), NCHWC_DOMAIN),
        node("ReorderOutput", "Reorder", ("t1",), ("t3",), NCHWC_DOMAIN),
    ]
    assert anchors(CHAIN, nodes) == ("relu", "next", "conv", None)
    assert is_reorder(nodes[3])


def test_names_with_a_path() -> None:
    nodes = [
        node("Split", "conv/GatherSliceToSplitFusion", ("x",), ("t",)),
        node("Gelu", "last/Gelu/fused", ("x",), ("u",)),
        node("Gelu", "unknown/Gelu", ("x",), ("v",)),
    ]
    assert anchors(CHAIN, nodes) == ("conv", "last", None)


def test_fused_ops_join_up_to_the_head() -> None:
    """The second node stands for `last`; its head is `next`, so the first node's ops stay there."""
    nodes = [
        node("Conv", "r_nchwc", ("x",), ("t0",), NCHWC_DOMAIN),
        node("Conv", "y_nchwc", ("t0",), ("t1",), NCHWC_DOMAIN),
        node("ReorderOutput", "Reorder", ("t1",), ("y",), NCHWC_DOMAIN),
    ]
    found = node_of_op(CHAIN, nodes, CHAIN.ops)
    assert found == {"conv": 0, "bn": 0, "relu": 0, "next": 1, "last": 1}


def test_activation_fused_behind_its_anchor_joins_upstream() -> None:
    nodes = [
        node("Conv", "c_nchwc", ("x",), ("t0",), NCHWC_DOMAIN),
        node("Conv", "n_nchwc", ("t0",), ("t1",), NCHWC_DOMAIN),
    ]
    found = node_of_op(CHAIN, nodes, CHAIN.ops)
    assert found == {"conv": 0, "bn": 0, "relu": 0, "next": 1, "last": 1}


def test_folded_ops_join_downstream() -> None:
    """A folded constant has nothing upstream."""
    folded = graph(
        op("const", "ConstantOfShape", ("s",), ("k",)),
        op("add", "Add", ("x", "k"), ("y",)),
        outputs=("y",),
        constants=("s",),
    )
    assert node_of_op(folded, [node("Add", "add", ("x", "k"), ("y",))], folded.ops) == {
        "const": 0,
        "add": 0,
    }


def test_nothing_left() -> None:
    lonely = graph(op("same", "Identity", ("x",), ("y",)), outputs=("y",))
    assert node_of_op(lonely, [], lonely.ops) == {"same": None}


def test_quantised_chain_takes_its_dequantisers() -> None:
    """DequantizeLinear, Conv, QuantizeLinear become one QLinearConv."""
    chain = graph(
        op("dx", "DequantizeLinear", ("x",), ("fx",)),
        op("dw", "DequantizeLinear", ("w",), ("fw",)),
        op("conv", "Conv", ("fx", "fw"), ("c",)),
        op("q", "QuantizeLinear", ("c",), ("y",)),
        outputs=("y",),
        constants=("w",),
    )
    found = node_of_op(chain, [node("QLinearConv", "fused", ("x", "w"), ("y",))], chain.ops)
    assert set(found.values()) == {0}


def test_a_tensor_that_others_need_keeps_its_op_apart() -> None:
    """`c` is an output of the graph, so `conv` can't have been fused into `relu`'s node."""
    kept = graph(
        op("conv", "Conv", ("x", "w"), ("c",)),
        op("relu", "Relu", ("c",), ("y",)),
        outputs=("c", "y"),
        constants=("w",),
    )
    nodes = [node("Conv", "a", ("x",), ("c",)), node("Relu", "b", ("c",), ("y",))]
    assert node_of_op(kept, nodes, kept.ops) == {"conv": 0, "relu": 1}


def test_head_types() -> None:
    kinds = {"FusedConv": "Conv", "QLinearConv": "Conv", "ConvInteger": "Conv", "Conv": "Conv"}
    assert {kind: head_type(node(kind, "", (), ())) for kind in kinds} == kinds
