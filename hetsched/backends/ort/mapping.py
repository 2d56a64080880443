"""Which ops of the model an optimised node stands for.

ONNX Runtime's optimiser renames, fuses and drops nodes and keeps no record. What is left suffices:

1. an output whose name the model has: that tensor's op;
2. the node's name without the suffixes of the NCHWc transformer: a tensor's or an op's name;
3. the part of the node's name before the first `/` (most other fusions append to a name).

The op found so is the node's *anchor*. Ops that anchor nothing were fused or folded away: they join
the anchor downstream as far up as the fused chain's head op, or else the nearest op upstream.
Everything here is pure: graphs in, names out.
"""

from collections.abc import Iterator, Mapping, Sequence

from hetsched.ir.graph import Graph, Op
from hetsched.ir.parts import Node

NCHWC_DOMAIN = "com.microsoft.nchwc"
REORDERS = frozenset({"ReorderInput", "ReorderOutput"})
_SUFFIXES = ("_bn_nchwc", "_mul_nchwc", "_nchwc")
_PREFIXES = ("Fused", "QLinear", "Dynamic", "NhwcFused", "Nhwc", "Q")
_ENDINGS = ("Integer",)


def is_reorder(node: Node) -> bool:
    """Whether a node only changes a tensor's layout."""
    return node.domain == NCHWC_DOMAIN and node.op_type in REORDERS


def anchors(graph: Graph, nodes: Sequence[Node]) -> tuple[str | None, ...]:
    """The anchor op of each optimised node, None for nodes that the optimiser made up."""
    return tuple(_anchor(graph, node) for node in nodes)


def _anchor(graph: Graph, node: Node) -> str | None:
    for name in node.outputs:
        if name in graph.producer:
            return graph.producer[name].name
    if is_reorder(node):
        return None
    return next((op for name in _candidates(node) if (op := _named(graph, name))), None)


def _candidates(node: Node) -> Iterator[str]:
    yield node.name
    for suffix in _SUFFIXES:
        if node.name.endswith(suffix):
            yield node.name.removesuffix(suffix)
    for separator in ("/", "_token_"):
        yield node.name.split(separator)[0]
        for name in node.outputs:
            yield name.split(separator)[0]
    parts = node.name.split("/")
    for length in range(len(parts) - 1, 1, -1):
        yield "/".join(parts[:length])


def _named(graph: Graph, name: str) -> str | None:
    if name in graph.producer:
        return graph.producer[name].name
    return name if name in graph.op else None


def node_of_op(graph: Graph, nodes: Sequence[Node], ops: Sequence[Op]) -> Mapping[str, int | None]:
    """The optimised node that each op went into; None where nothing at all is left near it.

    Args:
        graph: the model's.
        nodes: optimised, in topological order.
        ops: those that were optimised, in the graph's order.
    """
    anchored = anchors(graph, nodes)
    found: dict[str, int | None] = {
        name: index  # the last of several nodes: the one that makes the op's output
        for index, name in enumerate(anchored)
        if name is not None and not is_reorder(nodes[index])
    }
    wanted = {op.name for op in ops}
    for index in reversed(range(len(nodes))):
        name = anchored[index]
        if name is not None and found.get(name) == index:
            for fused in _fused_upstream(graph, graph.op[name], nodes[index], found, wanted):
                found[fused] = index
    _join_upstream(graph, ops, found)
    _join_downstream(graph, ops, found)
    return {op.name: found.get(op.name) for op in ops}


def head_type(node: Node) -> str:
    """`Conv` for FusedConv, QLinearConv and ConvInteger: the op type at a fused chain's head."""
    kind = node.op_type
    for prefix in _PREFIXES:
        kind = kind.removeprefix(prefix)
    for ending in _ENDINGS:
        kind = kind.removesuffix(ending)
    return kind


def _fused_upstream(
    graph: Graph, anchor: Op, node: Node, found: Mapping[str, int | None], wanted: set[str]
) -> list[str]:
    """Ops above an anchor that can only have been fused into its node, nearest first."""
    head = head_type(node)
    quantized = node.op_type != head and ("QLinear" in node.op_type or "Integer" in node.op_type)
    if anchor.op_type in (head, node.op_type) and not quantized:
        return []
    taken = [anchor.name]
    for name in taken:
        op = graph.op[name]
        at_head = op.op_type in (head, node.op_type)
        for read in op.reads:
            above = graph.producer.get(read)
            if above is None or above.name in found or above.name not in wanted:
                continue
            if above.name in taken or (at_head and above.op_type != "DequantizeLinear"):
                continue
            if read in graph.outputs or any(c.name not in taken for c in graph.consumers[read]):
                continue
            taken.append(above.name)
    return taken[1:]


def _join_upstream(graph: Graph, ops: Sequence[Op], found: dict[str, int | None]) -> None:
    for op in ops:
        if op.name in found:
            continue
        above = [graph.producer[name].name for name in op.reads if name in graph.producer]
        joined = [index for name in above if (index := found.get(name)) is not None]
        if joined:
            found[op.name] = max(joined)


def _join_downstream(graph: Graph, ops: Sequence[Op], found: dict[str, int | None]) -> None:
    for op in reversed(ops):
        if op.name in found:
            continue
        below = [c.name for name in op.writes for c in graph.consumers.get(name, ())]
        joined = [index for name in below if (index := found.get(name)) is not None]
        if joined:
            found[op.name] = min(joined)
