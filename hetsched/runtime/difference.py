"""How far apart two values are."""

from typing import Any

import numpy as np

from hetsched.backends.base import HostValue


def difference(expected: HostValue, actual: HostValue) -> tuple[float, float | None] | None:
    """max|a-b| and max|a-b| / max|a|; None where they can't be compared or aren't alike."""
    if isinstance(expected, list) or isinstance(actual, list):
        return _sequence_errors(expected, actual)
    if expected is None or actual is None:
        return (0.0, 0.0) if expected is actual else None
    if expected.shape != actual.shape or expected.dtype != actual.dtype:
        return None
    if expected.dtype.kind in "OSUT":
        return (0.0, 0.0) if bool((expected == actual).all()) else None
    if expected.dtype.kind in "iub":
        return _integer_errors(expected, actual)
    return _array_errors(_wide(expected), _wide(actual))


def _integer_errors(a: np.ndarray, b: np.ndarray) -> tuple[float, float | None]:
    """Over Python's integers: 64 bits don't fit into a float."""
    if np.array_equal(a, b):
        return 0.0, 0.0
    differs = a != b
    pairs = zip(a[differs].tolist(), b[differs].tolist(), strict=True)
    absolute = float(max(abs(int(x) - int(y)) for x, y in pairs))
    largest = float(max(abs(int(a.min())), abs(int(a.max()))))
    return absolute, absolute / largest if largest else None


def _wide(array: np.ndarray) -> np.ndarray:
    return array if array.dtype.kind == "c" else array.astype(np.float64)


def _array_errors(a: np.ndarray, b: np.ndarray) -> tuple[float, float | None] | None:
    finite = np.isfinite(a)
    if (
        not np.array_equal(a[~finite], b[~finite], equal_nan=True)
        or not np.isfinite(b[finite]).all()
    ):
        return None
    if not finite.any():
        return 0.0, 0.0
    absolute = float(np.abs(a[finite] - b[finite]).max())
    largest = float(np.abs(a[finite]).max())
    if absolute == 0:
        return 0.0, 0.0
    return absolute, absolute / largest if largest else None


def _sequence_errors(expected: Any, actual: Any) -> tuple[float, float | None] | None:
    if not isinstance(expected, list) or not isinstance(actual, list):
        return None
    if len(expected) != len(actual):
        return None
    pairs = [difference(a, b) for a, b in zip(expected, actual, strict=True)]
    if any(pair is None or pair[1] is None for pair in pairs):
        return None
    known = [(pair[0], pair[1] or 0.0) for pair in pairs if pair is not None]
    return max((p[0] for p in known), default=0.0), max((p[1] for p in known), default=0.0)
