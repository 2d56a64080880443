"""Shapes of what custom ops make: ONNX's inference doesn't know them."""

import onnx_ir as ir

from hetsched.errors import ModelError
from hetsched.ir.custom import CustomOp, custom_op
from hetsched.ir.dtypes import dtype_name
from hetsched.ir.graph import Tensor


def infer_custom(graph: ir.Graph) -> bool:
    """Give outputs of registered ops their dtypes and shapes; whether any was new.

    Raises:
        ModelError: naming the op whose `infer` failed or gave something wrong.
    """
    changed = False
    for node in graph:
        op = custom_op(node.domain, node.op_type)
        if op is not None and any(v.shape is None for v in node.outputs if v.name):
            changed |= _infer(node, op)
    return changed


def _infer(node: ir.Node, op: CustomOp) -> bool:
    inputs = [_tensor(value) for value in node.inputs if value is not None]
    if any(tensor.shape is None or tensor.dtype is None for tensor in inputs):
        return False
    attributes = {name: attribute.value for name, attribute in node.attributes.items()}
    what = f"op {node.name!r}: infer of {op.domain} {op.name}"
    try:
        kinds = list(op.infer(inputs, attributes))
    except Exception as error:
        raise ModelError(f"{what} failed: {type(error).__name__}: {error}") from error
    if len(kinds) != len(node.outputs):
        raise ModelError(f"{what} gave {len(kinds)} outputs instead of {len(node.outputs)}")
    for value, (dtype, shape) in zip(node.outputs, kinds, strict=True):
        value.type = ir.TensorType(_data_type(dtype, what))
        value.shape = ir.Shape(shape)
    return True


def _data_type(dtype: str, what: str) -> ir.DataType:
    found = next((one for one in ir.DataType if dtype_name(one) == dtype), None)
    if found is None:
        raise ModelError(f"{what} gave dtype {dtype!r}: take one such as float32")
    return found


def _tensor(value: ir.Value) -> Tensor:
    dtype = None if value.dtype is None else dtype_name(value.dtype)
    if value.shape is None:
        return Tensor(name=value.name or "", dtype=dtype, shape=None)
    dims = tuple(dim if isinstance(dim, int) and dim >= 0 else None for dim in value.shape)
    return Tensor(name=value.name or "", dtype=dtype, shape=dims)
