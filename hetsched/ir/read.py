"""From a file to onnx-ir, weights in external files left where they are."""

from mmap import ACCESS_READ, mmap
from pathlib import Path

import onnx
import onnx_ir as ir
from google.protobuf.message import DecodeError

from hetsched.errors import ModelError
from hetsched.ir.check import check_model
from hetsched.ir.quiet import LIBRARY_ERRORS, one_line, quiet
from hetsched.ir.sniff import reject_foreign, suffix_hint
from hetsched.ir.tensors import check_tensors, external_file, external_files, take_small_tensors
from hetsched.ir.wire import WireError, without_weights

_IR_VERSION_CONSTANTS = 4
"""Up to version 3 every initializer is an input too; from here on it needn't be.

Source: ONNX's IR specification, version 4.
"""

EXTERNAL_FILES = "hetsched.external_files"
"""Key of the model's other files in its notes (`meta`)."""


def read(path: Path) -> ir.Model:
    """Read and check an ONNX file; large weights stay in the file, or in those beside it.

    Raises:
        ModelError: naming the file and what is wrong with it: the op, the tensor, its external
            data that is missing, too short, or outside of the model's folder.
    """
    reject_foreign(path)
    proto = _parse(path)
    try:
        check_model(proto, path)
        check_tensors(proto, path)
        files = external_files(proto, path)
        take_small_tensors(proto, path)
        with quiet():
            model = ir.serde.deserialize_model(proto)
    except LIBRARY_ERRORS as error:
        raise ModelError(f"{path} is a damaged ONNX model: {one_line(error)}") from error
    model.ir_version = max(model.ir_version, _IR_VERSION_CONSTANTS)
    model.meta[EXTERNAL_FILES] = files
    _locate(model, path)
    return model


def _parse(path: Path) -> onnx.ModelProto:
    proto = onnx.ModelProto()
    try:
        with path.open("rb") as file, mmap(file.fileno(), 0, access=ACCESS_READ) as data:
            proto.ParseFromString(without_weights(data))
    except (DecodeError, WireError) as error:
        raise ModelError(suffix_hint(path)) from error
    except OSError as error:
        raise ModelError(f"can't read {path}: {error.strerror or error}") from error
    if not proto.graph.output:
        raise ModelError(suffix_hint(path))
    if not proto.graph.node:
        raise ModelError(f"{path} has no ops: there is nothing to place")
    return proto


def _locate(model: ir.Model, path: Path) -> None:
    """Give external tensors their absolute path; `check_tensors` has seen that they are sound.

    Those in bodies and attributes are read right away: they are written with their node, wherever
    that goes. Constant ops of the main graph become initializers later.
    """
    for graph in model.graphs():
        is_main = graph is model.graph
        for value in graph.initializers.values():
            if isinstance(value.const_value, ir.ExternalTensor):
                tensor = _absolute(value.const_value, path)
                value.const_value = tensor if is_main else _in_memory(tensor)
        for node in graph:
            stays = is_main and node.op_type == "Constant"
            for name, attribute in list(node.attributes.items()):
                if isinstance(attribute.value, ir.ExternalTensor):
                    tensor = _absolute(attribute.value, path)
                    kept = tensor if stays else _in_memory(tensor)
                    node.attributes[name] = ir.AttrTensor(name, kept)


def _in_memory(tensor: ir.ExternalTensor) -> ir.TensorProtocol:
    return ir.Tensor(tensor.numpy().copy(), dtype=tensor.dtype, name=tensor.name)


def _absolute(tensor: ir.ExternalTensor, path: Path) -> ir.ExternalTensor:
    # The library refuses hard-linked files when it knows a base folder, which some package
    # installers make; without one it leaves the checking to us.
    return ir.ExternalTensor(
        external_file(str(tensor.location), path),
        tensor.offset,
        tensor.length,
        tensor.dtype,
        shape=tensor.shape,
        name=tensor.name,
    )
