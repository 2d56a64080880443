"""Are a file's stored tensors sound? Sizes against shapes, external data against the folder."""

from collections.abc import Iterable, Iterator
from math import prod
from pathlib import Path

import onnx
from onnx import TensorProto

from hetsched.errors import ModelError
from hetsched.ir.dtypes import dtype_name
from hetsched.ir.graph import ITEM_BITS
from hetsched.ir.wire import LARGE_BYTES, OWN_FILE

_TYPED_FIELD = {
    "float32": "float_data", "complex64": "float_data", "float64": "double_data",
    "complex128": "double_data", "int64": "int64_data", "uint32": "uint64_data",
    "uint64": "uint64_data", "string": "string_data",
}  # fmt: skip
"""Where a tensor without raw bytes keeps its elements; `int32_data` for all other dtypes.

Source: the comments of TensorProto in onnx.proto.
"""


def check_tensors(proto: onnx.ModelProto, path: Path) -> None:
    """Check every tensor stored in or beside a model file.

    Raises:
        ModelError: naming the tensor, and the file that it should be in.
    """
    for tensor in _of_model(proto):
        _check(tensor, path)


def external_files(proto: onnx.ModelProto, path: Path) -> tuple[Path, ...]:
    """Every other file that holds data of the model, sorted."""
    locations = {
        entry.value
        for tensor in _of_model(proto)
        if tensor.data_location == TensorProto.EXTERNAL
        for entry in tensor.external_data
        if entry.key == "location" and entry.value != OWN_FILE
    }
    return tuple(sorted(external_file(location, path) for location in locations))


def take_small_tensors(proto: onnx.ModelProto, path: Path) -> None:
    """Read small tensors of external files into the model, after `check_tensors`, in place."""
    for tensor in _of_model(proto):
        if tensor.data_location == TensorProto.EXTERNAL:
            needed = _stored_bytes(prod(tensor.dims), dtype_name(tensor.data_type) or "")
            if needed < LARGE_BYTES:
                _take(tensor, needed, path)


def _take(tensor: TensorProto, needed: int, path: Path) -> None:
    where = {entry.key: entry.value for entry in tensor.external_data}
    with external_file(where["location"], path).open("rb") as file:
        file.seek(int(where.get("offset", "0") or "0"))
        tensor.raw_data = file.read(needed)
    tensor.ClearField("external_data")
    tensor.ClearField("data_location")


def external_file(location: str, path: Path) -> Path:
    """The file that an external location of the model at `path` stands for."""
    return path.resolve() if location == OWN_FILE else path.parent.resolve() / location


def _of_model(proto: onnx.ModelProto) -> Iterator[TensorProto]:
    yield from _of_graph(proto.graph)
    for function in proto.functions:
        yield from _of_nodes(function.node)


def _of_graph(graph: onnx.GraphProto) -> Iterator[TensorProto]:
    yield from graph.initializer
    for sparse in graph.sparse_initializer:
        yield sparse.values
        yield sparse.indices
    yield from _of_nodes(graph.node)


def _of_nodes(nodes: Iterable[onnx.NodeProto]) -> Iterator[TensorProto]:
    for node in nodes:
        for attribute in node.attribute:
            yield from attribute.tensors
            if attribute.HasField("t"):
                yield attribute.t
            if attribute.HasField("g"):
                yield from _of_graph(attribute.g)
            for graph in attribute.graphs:
                yield from _of_graph(graph)


def _check(tensor: TensorProto, path: Path) -> None:
    what = f"tensor {tensor.name!r} of {path}"
    dtype = dtype_name(tensor.data_type)
    if dtype is None:
        raise ModelError(f"{what} has the unknown data type {tensor.data_type}")
    if any(dim < 0 for dim in tensor.dims):
        raise ModelError(f"{what} has the shape {list(tensor.dims)}: dimensions are at least 0")
    elements = prod(tensor.dims)
    if tensor.data_location == TensorProto.EXTERNAL:
        _check_external(tensor, _stored_bytes(elements, dtype), what, path)
    elif tensor.HasField("raw_data"):
        _check_length(len(tensor.raw_data), {_stored_bytes(elements, dtype)}, "bytes", what)
    else:
        _check_typed(tensor, elements, dtype, what)


def _stored_bytes(elements: int, dtype: str) -> int:
    return (elements * ITEM_BITS.get(dtype, 8) + 7) // 8


def _check_typed(tensor: TensorProto, elements: int, dtype: str, what: str) -> None:
    found = len(getattr(tensor, _TYPED_FIELD.get(dtype, "int32_data")))
    bits = ITEM_BITS.get(dtype, 8)
    per_element = 2 if dtype.startswith("complex") else 1
    accepted = {elements * per_element}
    if bits < 8:
        accepted = {(elements * bits + 7) // 8}
    _check_length(found, accepted, "stored elements", what)


def _check_length(found: int, accepted: set[int], unit: str, what: str) -> None:
    if found not in accepted:
        raise ModelError(f"{what} has {found} {unit} where its shape needs {min(accepted)}")


def _check_external(tensor: TensorProto, needed: int, what: str, path: Path) -> None:
    where = {entry.key: entry.value for entry in tensor.external_data}
    location = where.get("location", "")
    if not location:
        raise ModelError(f"{what} has external data without a location")
    if location == OWN_FILE:
        _check_length(_number(where, "length", what), {needed}, "bytes", what)
        return
    file = _inside(location, f"{what} has its data in {location!r}", path)
    offset = _number(where, "offset", what)
    length = _number(where, "length", what) if "length" in where else needed
    if length != needed:
        raise ModelError(f"{what} has {length} bytes of external data; its shape needs {needed}")
    size = file.stat().st_size
    if size < offset + length:
        raise ModelError(
            f"{what} has its data in {location!r}, which is too short: "
            f"{size} bytes of {offset + length}"
        )


def _inside(location: str, what: str, path: Path) -> Path:
    """The file, which lies in the model's folder when all links are followed."""
    folder = path.parent.resolve()
    stray = Path(location).is_absolute() or ".." in Path(location).parts
    if stray or "\0" in location or folder not in (folder / location).resolve().parents:
        raise ModelError(f"{what}, outside of the model's folder: move the file there")
    file = (folder / location).resolve()
    if not file.is_file():
        raise ModelError(f"{what}, which doesn't exist: keep that file beside the model")
    return file


def _number(where: dict[str, str], key: str, what: str) -> int:
    text = where.get(key, "0") or "0"
    if not text.isdecimal() or len(text) > 18:
        raise ModelError(f"{what} has external data with {key} {text!r}: give a number of bytes")
    return int(text)
