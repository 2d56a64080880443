"""Made-up values for a model's inputs, for measuring and for trying a model out."""

import zlib

import numpy as np

from hetsched.errors import ModelError
from hetsched.ir.graph import Graph, Tensor

_EIGHT_BITS = ("int8", "uint8")
_ML_DTYPES = {
    "float8e4m3fn": "float8_e4m3fn",
    "float8e4m3fnuz": "float8_e4m3fnuz",
    "float8e5m2": "float8_e5m2",
    "float8e5m2fnuz": "float8_e5m2fnuz",
    "float8e8m0": "float8_e8m0fnu",
    "float4e2m1": "float4_e2m1fn",
}
"""ONNX's names of dtypes that numpy lacks, to those of ml_dtypes, where they differ."""


def sample(tensor: Tensor, seed: int = 0, whole: int | None = None) -> np.ndarray:
    """Random data for an input, the same for the same name and seed.

    Floats are standard normal and 8-bit integers use their whole range; wider integers are 0 or 1,
    since they are mostly indices, lengths or masks.

    Args:
        tensor: the input.
        seed: of the random numbers.
        whole: the value of all wider integers, in place of random ones.

    Raises:
        ModelError: when the input is no tensor or has no fixed shape.
    """
    if tensor.dtype is None:
        raise ModelError(f"input {tensor.name!r} is no tensor: no data can be made up for it")
    if tensor.shape is None or None in tensor.shape:
        raise ModelError(f"input {tensor.name!r} has no fixed shape: give it one")
    shape = tuple(dim or 0 for dim in tensor.shape)
    rng = np.random.default_rng([seed, zlib.crc32(tensor.name.encode())])
    if tensor.dtype == "string":
        return np.full(shape, "hetsched", dtype=object)
    if tensor.dtype == "bool":
        return rng.integers(0, 2, shape).astype(np.bool_)
    if tensor.dtype in _EIGHT_BITS:
        kind = np.iinfo(tensor.dtype)
        return rng.integers(kind.min, kind.max + 1, shape).astype(tensor.dtype)
    if "int" in tensor.dtype and whole is not None:
        return np.full(shape, whole).astype(numpy_dtype(tensor.dtype))
    if "int" in tensor.dtype:
        return rng.integers(0, 2, shape).astype(numpy_dtype(tensor.dtype))
    return np.asarray(rng.standard_normal(shape)).astype(numpy_dtype(tensor.dtype))


def samples(graph: Graph, seed: int = 0, whole: int | None = None) -> dict[str, np.ndarray]:
    """Random data for every input of a model; see `sample`.

    Raises:
        ModelError: naming an input that no data can be made up for.
    """
    return {name: sample(graph.tensors[name], seed, whole) for name in graph.inputs}


def numpy_dtype(name: str) -> np.dtype:
    """A tensor's dtype as numpy's; ml_dtypes has those that numpy lacks."""
    try:
        return np.dtype(name)
    except TypeError:
        import ml_dtypes  # onnx requires it

        found: np.dtype = np.dtype(getattr(ml_dtypes, _ML_DTYPES.get(name, name)))
        return found
