"""The bodies of If, Loop and Scan: finding them, and keeping library passes out of them."""

from collections.abc import Iterator
from contextlib import contextmanager

import onnx_ir as ir

_MASK = "hetsched.masked"
_KINDS = (ir.AttributeType.GRAPH, ir.AttributeType.GRAPHS)
_SEQUENCE_OPS = frozenset({"SplitToSequence", "SequenceConstruct", "SequenceAt", "Dropout"})


def bodies(node: ir.Node) -> Iterator[tuple[str, ir.Graph]]:
    """The graphs among a node's attributes, by attribute name."""
    for name, attribute in node.attributes.items():
        if attribute.type == ir.AttributeType.GRAPH:
            yield name, attribute.as_graph()
        elif attribute.type == ir.AttributeType.GRAPHS:
            for index, graph in enumerate(attribute.as_graphs()):
                yield f"{name}[{index}]", graph


def free_values(body: ir.Graph) -> Iterator[ir.Value]:
    """What a body reads from outside, with repetitions."""
    own: set[ir.Value] = {*body.inputs, *body.initializers.values()}
    own.update(value for node in body for value in node.outputs)
    for node in body:
        inner = (value for _, nested in bodies(node) for value in free_values(nested))
        for value in (*node.inputs, *inner):
            if value is not None and value not in own:
                yield value
    for value in body.outputs:
        if value not in own:
            yield value


@contextmanager
def masked(graph: ir.Graph) -> Iterator[None]:
    """Make ops with bodies, and ops on sequences, opaque to passes over the graph.

    The folding pass would inline an If, rewrite in bodies and split sequences apart. Without its
    graph attributes and in a domain that nobody knows, an op is left alone; what its bodies read
    stays in use.
    """
    hidden = [(node, node.domain, _take_bodies(node)) for node in graph if _is_opaque(node)]
    for node, _, _ in hidden:
        node.domain = _MASK
    try:
        yield
    finally:
        for node, domain, attributes in hidden:
            node.domain = domain
            for attribute in attributes:
                node.attributes[attribute.name] = attribute


def _is_opaque(node: ir.Node) -> bool:
    if any(attribute.type in _KINDS for attribute in node.attributes.values()):
        return True
    if node.domain == "" and node.op_type == "CastLike" and "saturate" in node.attributes:
        return True  # the folding pass would drop the attribute: other numbers for 8-bit floats
    if node.domain == "" and node.op_type in _SEQUENCE_OPS:
        return node.op_type != "Dropout" or len(node.outputs) > 1
    return False


def _take_bodies(node: ir.Node) -> list[ir.Attr]:
    names = [name for name, attribute in node.attributes.items() if attribute.type in _KINDS]
    return [node.attributes.pop(name) for name in names]
