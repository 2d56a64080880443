"""Large weights kept out of memory: protobuf's wire format, as far as it takes to step over them.

An ONNX file may hold its weights within. Parsing it as it is puts them on the heap, twice for a
moment; writing it takes as much again. So reading cuts the bytes of large tensors out of the file's
message before it is parsed, leaving a note where in the file they are, and writing appends them to
a message that was made without them.

Source: protobuf's encoding guide; field numbers from onnx.proto.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from mmap import mmap
from pathlib import Path
from typing import BinaryIO, TypeAlias

import onnx

from hetsched.errors import ModelError

LARGE_BYTES = 2**15
"""Tensors of this size and more are left in the file; no smaller one is worth a mapping."""

OWN_FILE = "hetsched:this-file"
"""External location that stands for the model file itself."""

PAGE_BYTES = 4096
"""Alignment of weights in a file of their own, so that they can be mapped."""

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_MODEL_GRAPH, _GRAPH_TENSOR, _TENSOR_RAW = 7, 5, 9
_NESTED = {
    "model": {_MODEL_GRAPH: "graph"},
    "graph": {1: "node", _GRAPH_TENSOR: "tensor"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor"},
    "tensor": {},
}
"""Where tensors of the main graph are: initializers, and attributes of Constant ops."""


Where: TypeAlias = dict[str, str | int]


class WireError(Exception):
    """Bytes that are no protobuf message."""


@dataclass(frozen=True, slots=True)
class _Field:
    number: int
    kind: int
    begin: int
    start: int
    end: int


def without_weights(data: mmap | bytes) -> bytes:
    """An ONNX model's message, large tensors replaced by where in the file they are.

    Raises:
        WireError: when it is no protobuf message.
    """
    return _slim(data, "model", 0, len(data))


def _slim(data: mmap | bytes, message: str, start: int, end: int) -> bytes:
    nested = _NESTED[message]
    pieces = []
    for field in _fields(data, start, end):
        is_large = field.kind == _BYTES and field.end - field.start >= LARGE_BYTES
        if is_large and message == "tensor" and field.number == _TENSOR_RAW:
            pieces.append(_place(field))
        elif is_large and field.number in nested:
            inner = _slim(data, nested[field.number], field.start, field.end)
            pieces.append(_head(field.number, len(inner)) + inner)
        else:
            pieces.append(bytes(data[field.begin : field.end]))
    return b"".join(pieces)


def _fields(data: mmap | bytes, position: int, end: int) -> Iterator[_Field]:
    while position < end:
        begin = position
        key, position = _varint(data, position, end)
        kind = key & 7
        start = position
        if kind == _VARINT:
            _, position = _varint(data, position, end)
        elif kind == _BYTES:
            size, start = _varint(data, position, end)
            position = start + size
        elif kind in (_FIXED32, _FIXED64):
            position += 4 if kind == _FIXED32 else 8
        else:
            raise WireError
        if position > end:
            raise WireError
        yield _Field(key >> 3, kind, begin, start, position)


def _varint(data: mmap | bytes, position: int, end: int) -> tuple[int, int]:
    result = 0
    for shift in range(0, 70, 7):
        if position >= end:
            raise WireError
        byte = data[position]
        position += 1
        result |= (byte & 127) << shift
        if byte < 128:
            return result, position
    raise WireError


def _place(field: _Field) -> bytes:
    """The fields of a TensorProto that say where its data is."""
    size = field.end - field.start
    where: Where = {"location": OWN_FILE, "offset": field.start, "length": size}
    return bytes(placed(onnx.TensorProto(), where).SerializeToString())


def _head(number: int, size: int) -> bytes:
    return _encoded(number << 3 | _BYTES) + _encoded(size)


def _encoded(value: int) -> bytes:
    made = bytearray()
    while value > 127:
        made.append(value & 127 | 128)
        value >>= 7
    made.append(value)
    return bytes(made)


@dataclass(frozen=True, slots=True)
class Weight:
    """A tensor to be written: its description, its size, and what writes its bytes to a file."""

    proto: onnx.TensorProto
    nbytes: int
    write: Callable[[BinaryIO], None]


def write_model(path: Path, proto: onnx.ModelProto, weights: Iterable[Weight]) -> None:
    """Write a model, its weights streamed one by one.

    Args:
        path: the file.
        proto: the model without those weights; its graph must have no fields after them that
            depend on their order.
        weights: initializers to add, together less than 2 GiB.

    Raises:
        OSError: when the file can't be written.
        ModelError: when the message would be larger than protobuf allows.
    """
    graph = proto.graph.SerializeToString()
    rest = onnx.ModelProto()
    rest.CopyFrom(proto)
    rest.ClearField("graph")
    heads = [(_tensor_head(weight), weight) for weight in weights]
    size = len(graph) + sum(len(head) + weight.nbytes for head, weight in heads)
    if size >= 2**31:
        raise ModelError(f"{path} would have {size} bytes, over 2 GiB: put the weights beside it")
    with path.open("wb") as file:
        file.write(rest.SerializeToString() + _head(_MODEL_GRAPH, size) + graph)
        for head, weight in heads:
            file.write(head)
            weight.write(file)


def write_beside(path: Path, weights: Iterable[Weight]) -> list[onnx.TensorProto]:
    """Write weights to a file of their own, each at a page's start; the tensors that say where.

    Raises:
        OSError: when the file can't be written.
    """
    made = []
    with path.open("wb") as file:
        for weight in weights:
            offset = -(-file.tell() // PAGE_BYTES) * PAGE_BYTES
            file.seek(offset)
            weight.write(file)
            where: Where = {"location": path.name, "offset": offset, "length": weight.nbytes}
            made.append(placed(weight.proto, where))
    return made


def placed(proto: onnx.TensorProto, where: Where) -> onnx.TensorProto:
    """A tensor whose data is elsewhere: location, offset and length in bytes."""
    tensor = onnx.TensorProto(data_location=onnx.TensorProto.EXTERNAL)
    tensor.MergeFrom(proto)
    for key, value in where.items():
        tensor.external_data.add(key=key, value=str(value))
    return tensor


def _tensor_head(weight: Weight) -> bytes:
    described = weight.proto.SerializeToString() + _head(_TENSOR_RAW, weight.nbytes)
    return _head(_GRAPH_TENSOR, len(described) + weight.nbytes) + bytes(described)
