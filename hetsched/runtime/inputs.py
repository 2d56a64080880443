"""A request's inputs: checked before anything runs, or made up for a trial."""

import zlib
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
_NUMPY_DTYPES = {graph: numpy for numpy, graph in _ML_DTYPES.items()}


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


def random_input(tensor: Tensor, seed: int) -> np.ndarray:
    """Random data for an input, the same for the same name and seed.

    Floats are standard normal, integers of 8 bits use their whole range, wider ones are 0 or 1, for
    most of those are indices, lengths or masks.

    Raises:
        RunError: when the input's shape isn't fixed, or it is no tensor.
    """
    if tensor.shape is None or None in tensor.shape or tensor.dtype is None:
        raise RunError(f"input {tensor.name!r} has no fixed shape: give it with --input")
    shape = tuple(dim or 0 for dim in tensor.shape)
    rng = np.random.default_rng([seed, zlib.crc32(tensor.name.encode())])
    if tensor.dtype == "string":
        return np.full(shape, "hetsched", dtype=object)
    if tensor.dtype == "bool":
        return rng.integers(0, 2, shape).astype(bool)
    if tensor.dtype in ("int8", "uint8"):
        info = np.iinfo(tensor.dtype)
        return rng.integers(info.min, info.max + 1, shape).astype(tensor.dtype)
    if "int" in tensor.dtype:
        return np.asarray(rng.integers(0, 2, shape)).astype(_numpy_dtype(tensor.dtype))
    return np.asarray(rng.standard_normal(shape)).astype(_numpy_dtype(tensor.dtype))


def _numpy_dtype(name: str) -> np.dtype:
    try:
        return np.dtype(name)
    except TypeError:
        import ml_dtypes  # numpy lacks bfloat16, float8 and int4; onnx requires the package

        small: type = getattr(ml_dtypes, _NUMPY_DTYPES.get(name, name))
        return np.dtype(small)
