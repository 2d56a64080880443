"""Names of dtypes: ONNX's numbers to the names that `Tensor.dtype` uses."""

from onnx import TensorProto

_RENAMED = {"FLOAT": "float32", "DOUBLE": "float64"}
_NAMES = {
    number: _RENAMED.get(name, name.lower())
    for name, number in TensorProto.DataType.items()
    if name != "UNDEFINED"
}


def dtype_name(dtype: int | None) -> str | None:
    """`FLOAT` (1) to `float32`; None for `UNDEFINED` and numbers that ONNX doesn't have."""
    return None if dtype is None else _NAMES.get(int(dtype))
