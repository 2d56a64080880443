"""A request's inputs, checked before anything runs."""

from collections.abc import Mapping
from functools import cache

import numpy as np

from hetsched.backends.base import HostValue
from hetsched.errors import RunError
from hetsched.ir.graph import Graph, Tensor

_ML_DTYPES = {
    "float8_e4m3fn": "float8e4m3fn",
    "float8_e4m3fnuz": "float8e4m3fnuz",
    "float8_e5m2": "float8e5m2",
    "float8_e5m2fnuz": "float8e5m2fnuz",
    "float8_e8m0fnu": "float8e8m0",
    "float4_e2m1fn": "float4e2m1",
}
"""Names of ml_dtypes' dtypes to the graph's, where they differ."""


def dtype_name(array: np.ndarray) -> str:
    """The graph's name for an array's dtype."""
    return _dtype_name(array.dtype)


@cache  # numpy makes the name anew each time, in Python: 10 us
def _dtype_name(dtype: np.dtype) -> str:
    if dtype.kind in "OUST":
        return "string"
    return _ML_DTYPES.get(dtype.name, dtype.name)


def check_inputs(graph: Graph, inputs: Mapping[str, HostValue]) -> dict[str, HostValue]:
    """The inputs as the stages want them: all there, right dtype and shape, C order, native bytes.

    Values of inputs that aren't tensors (sequences, optionals) go through as they are.

    Raises:
        RunError: naming the input, what it is and what would be accepted.
    """
    unknown = sorted(inputs.keys() - set(graph.inputs))
    if unknown:
        raise RunError(
            f"the model has no input {unknown[0]!r}: it has {', '.join(graph.inputs) or 'none'}"
        )
    return {name: _checked(graph.tensors[name], inputs.get(name)) for name in graph.inputs}


def _checked(tensor: Tensor, value: HostValue) -> HostValue:
    if tensor.dtype is None:
        return value  # a sequence or an optional: for the backend to judge
    if value is None:
        raise RunError(f"input {tensor.name!r} is missing: give {describe(tensor)}")
    if not isinstance(value, np.ndarray | np.generic):
        raise RunError(
            f"input {tensor.name!r} is a {type(value).__name__}: "
            f"give {describe(tensor)} as a numpy array"
        )
    array = np.asarray(value)
    if not fits(tensor, array):
        raise RunError(
            f"input {tensor.name!r} is {dtype_name(array)} of shape {array.shape}: "
            f"give {describe(tensor)}"
        )
    if not array.dtype.isnative:
        array = array.astype(array.dtype.newbyteorder("="))
    return array if array.flags.c_contiguous else array.copy(order="C")


def fits(tensor: Tensor, array: np.ndarray) -> bool:
    """Whether an array has the tensor's dtype and shape, as far as these are known."""
    if tensor.dtype is not None and dtype_name(array) != tensor.dtype:
        return False
    if tensor.shape is None or array.shape == tensor.shape:
        return True
    return len(array.shape) == len(tensor.shape) and all(
        want is None or have == want for have, want in zip(array.shape, tensor.shape, strict=True)
    )


def describe(tensor: Tensor) -> str:
    """`float32 of shape (1, 3, 224, 224)`; `?` for what isn't known."""
    if tensor.shape is None:
        return f"{tensor.dtype} of any shape"
    dims = ", ".join("?" if dim is None else str(dim) for dim in tensor.shape)
    return f"{tensor.dtype} of shape ({dims}{',' if len(tensor.shape) == 1 else ''})"


def native_dtype(name: str | None) -> np.dtype | None:
    """Numpy's own dtype object of that name, of which there is one; None where it has none."""
    if name is None or name == "string":
        return None
    try:
        return np.dtype(name)
    except TypeError:
        return None
