"""From a file to onnx-ir, weights in external files left where they are."""

from collections.abc import Iterator
from pathlib import Path

import onnx
import onnx_ir as ir
from google.protobuf.message import DecodeError

from hetsched.errors import ModelError
from hetsched.ir.sniff import reject_foreign


def read(path: Path) -> ir.Model:
    """Read an ONNX file without the weights that live outside of it.

    Raises:
        ModelError: naming the file and what is wrong with it, or the tensor whose external data
            is missing, too short, or outside the model's folder.
    """
    reject_foreign(path)
    proto = _parse(path)
    if not proto.graph.node and not proto.graph.output:
        raise ModelError(f"{path} is no ONNX model: it holds no graph")
    for tensor in external_tensors(proto):
        _check_external(tensor, path)
    try:
        model = ir.serde.deserialize_model(proto)
    except (ValueError, TypeError, KeyError, AttributeError, RuntimeError) as error:
        raise ModelError(f"{path} is a damaged ONNX model: {_one_line(error)}") from error
    ir.external_data.set_base_dir(model.graph, path.parent)
    return model


def _parse(path: Path) -> onnx.ModelProto:
    proto = onnx.ModelProto()
    try:
        proto.ParseFromString(path.read_bytes())
    except DecodeError as error:
        raise ModelError(f"{path} is truncated or no ONNX model: {_one_line(error)}") from error
    except OSError as error:
        raise ModelError(f"can't read {path}: {error.strerror or error}") from error
    return proto


def external_tensors(proto: onnx.ModelProto) -> Iterator[onnx.TensorProto]:
    """Every tensor of a model, bodies and attributes included, whose data is in another file."""
    functions = (node for function in proto.functions for node in function.node)
    yield from _of_graph(proto.graph)
    for node in functions:
        yield from _of_node(node)


def _of_graph(graph: onnx.GraphProto) -> Iterator[onnx.TensorProto]:
    tensors = [*graph.initializer]
    for sparse in graph.sparse_initializer:
        tensors += [sparse.values, sparse.indices]
    yield from (t for t in tensors if t.data_location == onnx.TensorProto.EXTERNAL)
    for node in graph.node:
        yield from _of_node(node)


def _of_node(node: onnx.NodeProto) -> Iterator[onnx.TensorProto]:
    for attribute in node.attribute:
        for tensor in (attribute.t, *attribute.tensors):
            if tensor.data_location == onnx.TensorProto.EXTERNAL:
                yield tensor
        for graph in (attribute.g, *attribute.graphs):
            yield from _of_graph(graph)


def _check_external(tensor: onnx.TensorProto, path: Path) -> None:
    where = {entry.key: entry.value for entry in tensor.external_data}
    location = where.get("location", "")
    what = f"tensor {tensor.name!r} of {path} has its data in {location!r}"
    if not location:
        raise ModelError(f"tensor {tensor.name!r} of {path} has external data without a location")
    folder = path.parent.resolve()
    file = (folder / location).resolve()
    if Path(location).is_absolute() or ".." in Path(location).parts or folder not in file.parents:
        raise ModelError(f"{what}, outside of the model's folder: move the file there")
    if not file.is_file():
        raise ModelError(f"{what}, which doesn't exist: keep that file beside the model")
    offset, length = _number(where, "offset", what), _number(where, "length", what)
    if file.stat().st_size < offset + length:
        raise ModelError(
            f"{what}, which is too short: {file.stat().st_size} bytes of {offset + length}"
        )


def _number(where: dict[str, str], key: str, what: str) -> int:
    text = where.get(key, "0") or "0"
    if not text.isdecimal():
        raise ModelError(f"{what} with {key} {text!r}: a number of bytes is expected")
    return int(text)


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:200]
