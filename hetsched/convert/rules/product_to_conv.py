"""Gemm and MatMul with stored weights to a 1x1 Conv between Reshapes.

Handled: [rows, taken] x [taken, made] as Conv of [rows, taken, 1, 1]; Gemm with alpha, beta, transB
and a stored C that is one row; MatMul of rank 2 and more.
Refused: weights known only at run time, transA, C of other shapes, unknown shapes.
"""

import math

import numpy as np
import onnx_ir as ir

from hetsched.convert.rules.rule import Rule, Site, needs_float, static_shape, stored
from hetsched.convert.rules.tape import Tape


def check(site: Site) -> str | None:
    """None where it applies."""
    weights, shape = stored(site.input(1)), static_shape(site.input(0))
    if weights is None or weights.ndim != 2:
        return "its right side isn't stored 2-D weights"
    if shape is None or len(shape) < 2 or 0 in shape:
        return "its left side isn't of known shape and rank 2 or more"
    if site.attribute("transA", 0):
        return "its left side is transposed"
    added = site.optional(2)
    row = None if added is None else stored(added)
    if added is not None and (row is None or row.size not in (1, *row.shape[-1:])):
        return "what it adds isn't one stored row"
    return needs_float(site)


def rewrite(site: Site, tape: Tape) -> ir.Value:
    """Reshape, Conv, Reshape."""
    weights, shape = stored(site.input(1)), static_shape(site.input(0))
    assert weights is not None
    assert shape is not None
    made_first = weights if site.attribute("transB", 0) else weights.T
    kernel = made_first * weights.dtype.type(site.attribute("alpha", 1.0))
    inputs = [tape.reshape(site.input(0), (math.prod(shape[:-1]), shape[-1], 1, 1))]
    inputs.append(tape.constant(np.ascontiguousarray(kernel)[:, :, None, None]))
    if (bias := _bias(site, len(kernel))) is not None:
        inputs.append(tape.constant(bias))
    return tape.reshape(tape.op("Conv", *inputs), (*shape[:-1], len(kernel)))


def _bias(site: Site, made: int) -> np.ndarray | None:
    added = site.optional(2)
    row = None if added is None else stored(added)
    if row is None:
        return None
    beta = row.dtype.type(site.attribute("beta", 1.0))
    return np.ascontiguousarray(np.broadcast_to(row.reshape(-1) * beta, (made,)))


RULE = Rule(
    name="product-to-conv", ops=("Gemm", "MatMul"), makes="Reshape, Conv, Reshape",
    exactness="rounding", check=check, rewrite=rewrite,
)  # fmt: skip
