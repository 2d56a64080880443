"""From a file to onnx-ir, weights in external files left where they are."""

from pathlib import Path

import onnx
import onnx_ir as ir
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]  # no stubs

from hetsched.errors import ModelError
from hetsched.ir.check import check_model
from hetsched.ir.quiet import LIBRARY_ERRORS, one_line, quiet
from hetsched.ir.sniff import reject_foreign, suffix_hint
from hetsched.ir.tensors import check_tensors


def read(path: Path) -> ir.Model:
    """Read and check an ONNX file, without the weights that live outside of it.

    Raises:
        ModelError: naming the file and what is wrong with it: the op, the tensor, its external
            data that is missing, too short, or outside of the model's folder.
    """
    reject_foreign(path)
    proto = _parse(path)
    try:
        check_model(proto, path)
        check_tensors(proto, path)
        with quiet():
            model = ir.serde.deserialize_model(proto)
    except LIBRARY_ERRORS as error:
        raise ModelError(f"{path} is a damaged ONNX model: {one_line(error)}") from error
    _locate(model, path.parent.resolve())
    return model


def _parse(path: Path) -> onnx.ModelProto:
    proto = onnx.ModelProto()
    try:
        proto.ParseFromString(path.read_bytes())
    except DecodeError as error:
        raise ModelError(suffix_hint(path)) from error
    except OSError as error:
        raise ModelError(f"can't read {path}: {error.strerror or error}") from error
    if not proto.graph.output:
        raise ModelError(suffix_hint(path))
    if not proto.graph.node:
        raise ModelError(f"{path} has no ops: there is nothing to place")
    return proto


def _locate(model: ir.Model, folder: Path) -> None:
    """Give external tensors their absolute path; `check_tensors` has seen that they are inside.

    Those in bodies and attributes are read right away: they are written with their node, wherever
    that goes.
    """
    for graph in model.graphs():
        for value in graph.initializers.values():
            if isinstance(value.const_value, ir.ExternalTensor):
                tensor = _absolute(value.const_value, folder)
                value.const_value = tensor if graph is model.graph else _in_memory(tensor)
        for node in graph:
            for name, attribute in list(node.attributes.items()):
                if isinstance(attribute.value, ir.ExternalTensor):
                    tensor = _absolute(attribute.value, folder)
                    node.attributes[name] = ir.AttrTensor(name, _in_memory(tensor))


def _in_memory(tensor: ir.ExternalTensor) -> ir.TensorProtocol:
    return ir.Tensor(tensor.numpy().copy(), dtype=tensor.dtype, name=tensor.name)


def _absolute(tensor: ir.ExternalTensor, folder: Path) -> ir.ExternalTensor:
    # The library refuses hard-linked files when it knows a base folder, which some package
    # installers make; without one it leaves the checking to us.
    return ir.ExternalTensor(
        folder / tensor.location,
        tensor.offset,
        tensor.length,
        tensor.dtype,
        shape=tensor.shape,
        name=tensor.name,
    )
