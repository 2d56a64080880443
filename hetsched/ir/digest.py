"""Digests of a model: of its files, and of what preparation made of them."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import onnx_ir as ir

from hetsched.ir.graph import Graph

_CHUNK_BYTES = 2**20


def file_sha256(path: Path, model: ir.Model) -> str:
    """Digest of a model file; with external data, of the digests of all its files."""
    files = [path, *sorted(_external_files(model))]
    digests = [_file_digest(file) for file in files]
    if len(digests) == 1:
        return digests[0]
    return hashlib.sha256("\n".join(digests).encode()).hexdigest()


def _file_digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _external_files(model: ir.Model) -> set[Path]:
    return {
        Path(tensor.path)
        for graph in model.graphs()
        for value in graph.initializers.values()
        if isinstance(tensor := value.const_value, ir.ExternalTensor)
    }


def prepared_sha256(model: ir.Model, graph: Graph) -> str:
    """Digest of a prepared graph: ops, attributes, shapes, dtypes, constants and their values."""
    digest = hashlib.sha256()
    for line in _lines(model, graph):
        digest.update(json.dumps(line, sort_keys=True).encode())
        digest.update(b"\n")
    return digest.hexdigest()


def _lines(model: ir.Model, graph: Graph) -> Iterator[object]:
    yield ["inputs", graph.inputs, "outputs", graph.outputs]
    for name, tensor in sorted(graph.tensors.items()):
        yield ["tensor", name, tensor.dtype, tensor.shape]
    for op in graph.ops:
        yield ["op", op.name, op.domain, op.op_type, op.opset, op.inputs, op.outputs]
        yield ["attributes", repr(sorted(op.attributes.items())), op.captures]
    for name in sorted(graph.constants):
        stored = model.graph.initializers[name].const_value
        if stored is not None:
            yield ["constant", name, tensor_sha256(stored)]


def tensor_sha256(tensor: ir.TensorProtocol) -> str:
    """Digest of a tensor's bytes; an external one is read in small pieces, never mapped."""
    digest = hashlib.sha256()
    for piece in _pieces(tensor):
        digest.update(piece)
    return digest.hexdigest()


def _pieces(tensor: ir.TensorProtocol) -> Iterator[bytes]:
    if tensor.dtype == ir.DataType.STRING:
        yield repr(tensor.numpy().reshape(-1).tolist()).encode()
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
