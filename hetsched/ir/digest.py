"""Digests of a model: of its files, and of what preparation made of them."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import onnx_ir as ir

from hetsched.ir.dtypes import dtype_name
from hetsched.ir.graph import Graph

_CHUNK_BYTES = 2**20


def file_sha256(path: Path, others: Sequence[Path]) -> str:
    """Digest of a model file; with external data, of the digests of all its files."""
    digests = [_file_digest(file) for file in (path, *others)]
    if len(digests) == 1:
        return digests[0]
    return hashlib.sha256("\n".join(digests).encode()).hexdigest()


def _file_digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def prepared_sha256(model: ir.Model, graph: Graph) -> str:
    """Digest of a prepared graph: ops, attributes, bodies, shapes, dtypes, constants' values.

    It doesn't depend on how a version of a library writes a file.
    """
    digest = hashlib.sha256()
    for line in _lines(model, graph):
        digest.update(json.dumps(line, sort_keys=True).encode("utf-8", "surrogateescape"))
        digest.update(b"\n")
    return digest.hexdigest()


def _lines(model: ir.Model, graph: Graph) -> Iterator[object]:
    yield ["inputs", graph.inputs, "outputs", graph.outputs]
    for name, tensor in sorted(graph.tensors.items()):
        yield ["tensor", name, tensor.dtype, tensor.shape]
    for op in graph.ops:
        yield ["opset", op.name, op.opset]
    yield from _graph_lines(model.graph)


def _graph_lines(graph: ir.Graph) -> Iterator[object]:
    yield ["graph", [value.name for value in graph.inputs], [v.name for v in graph.outputs]]
    for name, value in sorted(graph.initializers.items()):
        if value.const_value is not None:
            yield ["constant", name, *_tensor_line(value.const_value)]
    for node in graph:
        yield ["op", node.name, node.domain, node.op_type]
        yield [[v and v.name for v in node.inputs], [v.name for v in node.outputs]]
        for name, attribute in sorted(node.attributes.items()):
            yield from _attribute_lines(name, attribute)


def _attribute_lines(name: str, attribute: ir.Attr) -> Iterator[object]:
    kind = attribute.type
    if kind == ir.AttributeType.TENSOR:
        yield ["attribute", name, *_tensor_line(attribute.as_tensor())]
    elif kind == ir.AttributeType.TENSORS:
        yield ["attribute", name, [_tensor_line(tensor) for tensor in attribute.as_tensors()]]
    elif kind == ir.AttributeType.GRAPH:
        yield ["body", name]
        yield from _graph_lines(attribute.as_graph())
    elif kind == ir.AttributeType.GRAPHS:
        for index, graph in enumerate(attribute.as_graphs()):
            yield ["body", name, index]
            yield from _graph_lines(graph)
    else:
        yield ["attribute", name, kind.name, repr(attribute.value)]


def _tensor_line(tensor: ir.TensorProtocol) -> list[object]:
    shape = [int(dim) for dim in tensor.shape.numpy()]
    return [dtype_name(tensor.dtype), shape, tensor_sha256(tensor)]


def tensor_sha256(tensor: ir.TensorProtocol) -> str:
    """Digest of a tensor's bytes; an external one is read in small pieces, never mapped."""
    digest = hashlib.sha256()
    for piece in _pieces(tensor):
        digest.update(piece)
    return digest.hexdigest()


def _pieces(tensor: ir.TensorProtocol) -> Iterator[bytes]:
    if tensor.dtype == ir.DataType.STRING:
        yield repr(tensor.numpy().reshape(-1).tolist()).encode("utf-8", "surrogateescape")
        return
    if not isinstance(tensor, ir.ExternalTensor):
        yield tensor.tobytes()
        return
    with Path(tensor.path).open("rb") as file:
        file.seek(tensor.offset or 0)
        left = tensor.length or tensor.nbytes
        while left > 0 and (piece := file.read(min(left, _CHUNK_BYTES))):
            left -= len(piece)
            yield piece
