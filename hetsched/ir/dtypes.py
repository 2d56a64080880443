"""Names of dtypes: onnx-ir's enumeration to the names that `Tensor.dtype` uses."""

import onnx_ir as ir

_RENAMED = {"FLOAT": "float32", "DOUBLE": "float64"}


def dtype_name(dtype: ir.DataType | None) -> str | None:
    """`FLOAT` to `float32`, `UNDEFINED` to None."""
    if dtype is None or dtype == ir.DataType.UNDEFINED:
        return None
    return _RENAMED.get(dtype.name, dtype.name.lower())
