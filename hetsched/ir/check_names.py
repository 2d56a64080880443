"""Is a graph acyclic and complete? Every tensor is made once, and by somebody."""

from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import onnx

from hetsched.errors import ModelError


def check_names(graph: onnx.GraphProto, path: Path) -> None:
    """Check that every tensor is made once, and no op waits for itself.

    A body may read what is outside of it, and may give a name of the outside another meaning.

    Raises:
        ModelError: naming the file, the tensor and the op.
    """
    _check_scope(graph, frozenset(), path)


def describe(node: onnx.NodeProto) -> str:
    """The node's name, or else what it makes."""
    return repr(node.name) if node.name else f"that makes {', '.join(map(repr, node.output))}"


def bodies_of(node: onnx.NodeProto) -> Iterator[onnx.GraphProto]:
    """The bodies of an If, Loop or Scan."""
    for attribute in node.attribute:
        if attribute.HasField("g"):
            yield attribute.g
        yield from attribute.graphs


def _check_scope(graph: onnx.GraphProto, outer: frozenset[str], path: Path) -> None:
    given = {value.name for value in graph.input} | {t.name for t in graph.initializer}
    given |= {t.values.name for t in graph.sparse_initializer}
    maker: dict[str, int] = {}
    for index, node in enumerate(graph.node):
        for name in filter(None, node.output):
            if name in maker or name in given:
                raise ModelError(f"tensor {name!r} of {path} is made twice, by {describe(node)}")
            maker[name] = index
    known = outer | given | maker.keys()
    for node in graph.node:
        for name in filter(None, node.input):
            if name not in known:
                raise ModelError(
                    f"node {describe(node)} of {path} reads {name!r}, which nobody makes"
                )
        for body in bodies_of(node):
            _check_scope(body, frozenset(known), path)
    for output in graph.output:
        if output.name not in known:
            raise ModelError(f"output {output.name!r} of {path} is made by nobody")
    _check_order(graph, maker, path)


def _check_order(graph: onnx.GraphProto, maker: dict[str, int], path: Path) -> None:
    before = {
        index: {maker[name] for name in _reads(node) if name in maker}
        for index, node in enumerate(graph.node)
    }
    try:
        TopologicalSorter(before).prepare()
    except CycleError as error:
        cycle = " -> ".join(describe(graph.node[index]) for index in error.args[1][:6])
        raise ModelError(f"{path} has a cycle: {cycle}") from None


def _reads(node: onnx.NodeProto) -> Iterator[str]:
    yield from node.input
    for body in bodies_of(node):
        yield from _outer_reads(body)


def _outer_reads(body: onnx.GraphProto) -> Iterator[str]:
    """What a body reads from outside; a name that it makes itself may mean something else there."""
    own = {value.name for value in body.input} | {t.name for t in body.initializer}
    own |= {t.values.name for t in body.sparse_initializer}
    own.update(name for node in body.node for name in node.output)
    for node in body.node:
        yield from (name for name in _reads(node) if name not in own)
    yield from (value.name for value in body.output if value.name not in own)
