"""MatMul with stored 2-D weights to Gemm, between Reshapes where the input isn't 2-D.

Handled: inputs of rank 2 and more with known shapes.
Refused: weights known only at run time or of other ranks, unknown shapes.
"""

import math

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
    return needs_float(site)


def rewrite(site: Site, tape: Tape) -> ir.Value:
    """Reshape, Gemm, Reshape."""
    left, shape, weights = site.input(0), static_shape(site.input(0)), stored(site.input(1))
    assert shape is not None
    assert weights is not None
    if len(shape) == 2:
        return _gemm(site, tape, left)
    flat = tape.reshape(left, (math.prod(shape[:-1]), shape[-1]))
    return tape.reshape(_gemm(site, tape, flat), (*shape[:-1], weights.shape[1]))


def _gemm(site: Site, tape: Tape, left: ir.Value) -> ir.Value:
    weights = stored(site.input(1))
    assert weights is not None
    if tape.opset >= 11:
        return tape.op("Gemm", left, site.input(1))
    zeros = tape.constant(weights[0] * 0)  # C isn't optional before opset 11
    return tape.op("Gemm", left, site.input(1), zeros)


RULE = Rule(
    name="matmul-to-gemm", ops=("MatMul",), makes="Gemm, Reshape",
    exactness="rounding", check=check, rewrite=rewrite,
)  # fmt: skip
