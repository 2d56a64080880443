"""Gemm to MatMul and Add: alpha * A' * B' + beta * C.

Handled: transA by a Transpose, transB with stored weights or by a Transpose, alpha and beta other
than 1, with or without C.
Refused: other dtypes than floats.
"""

import numpy as np
import onnx_ir as ir

from hetsched.convert.rules.rule import Rule, Site, needs_float, stored
from hetsched.convert.rules.tape import Tape


def rewrite(site: Site, tape: Tape) -> ir.Value:
    """Transpose where asked for, MatMul, Mul, Add."""
    left, alpha = site.input(0), float(site.attribute("alpha", 1.0))
    if site.attribute("transA", 0):
        left = tape.op("Transpose", left, perm=[1, 0])
    value = tape.op("MatMul", left, _right(site, tape))
    if alpha != 1:
        value = tape.op("Mul", value, tape.number(alpha, value))
    added = site.optional(2)
    return value if added is None else tape.op("Add", value, _scaled(site, tape, added))


def _right(site: Site, tape: Tape) -> ir.Value:
    value, known = site.input(1), stored(site.input(1))
    if not site.attribute("transB", 0):
        return value
    if known is None:
        return tape.op("Transpose", value, perm=[1, 0])
    return tape.constant(np.ascontiguousarray(known.T))


def _scaled(site: Site, tape: Tape, added: ir.Value) -> ir.Value:
    beta, known = float(site.attribute("beta", 1.0)), stored(added)
    if beta == 1:
        return added
    if known is None:
        return tape.op("Mul", added, tape.number(beta, added))
    return tape.constant(known * known.dtype.type(beta))


RULE = Rule(
    name="gemm-to-matmul", ops=("Gemm",), makes="MatMul, Add",
    exactness="rounding", check=needs_float, rewrite=rewrite,
)  # fmt: skip
