"""Resize and Upsample that repeat pixels to Reshape, Concat with itself, Reshape, axis by axis.

Handled: mode nearest where each pixel is repeated equally often; any rank and dtype.
Refused: everything else; see `resampling`.
"""

from math import prod

import numpy as np
import onnx_ir as ir

from hetsched.convert.rules import resampling
from hetsched.convert.rules.rule import Rule, Site, known_shape
from hetsched.convert.rules.tape import Tape


def check(site: Site) -> str | None:
    """None where it applies."""
    if resampling.mode_of(site) != "nearest":
        return "not mode nearest"
    if (why := resampling.reason(site)) is not None:
        return why
    found = resampling.matrices(site) or {}
    if not found or not all(_repeats(matrix) for matrix in found.values()):
        return "it doesn't just repeat pixels"
    return None


def _repeats(matrix: np.ndarray) -> bool:
    made, size = matrix.shape
    return made % size == 0 and np.array_equal(matrix, np.eye(size).repeat(made // size, axis=0))


def rewrite(site: Site, tape: Tape) -> ir.Value:
    """[..., n, ...] as [before * n, 1, after], copies beside each other."""
    value, found = site.input(0), resampling.matrices(site)
    assert found is not None
    for axis, matrix in found.items():
        shape, times = list(known_shape(value)), matrix.shape[0] // matrix.shape[1]
        flat = tape.reshape(value, (prod(shape[: axis + 1]), 1, prod(shape[axis + 1 :])))
        shape[axis] *= times
        value = tape.reshape(tape.op("Concat", *[flat] * times, axis=1), shape)
    return value


RULE = Rule(
    name="resize-copies", ops=("Resize", "Upsample"), makes="Reshape, Concat, Reshape per axis",
    exactness="exact", check=check, rewrite=rewrite,
)  # fmt: skip
