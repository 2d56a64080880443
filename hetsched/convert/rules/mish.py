"""Mish to primitives: x * Tanh(Softplus(x)).

Handled: all of it (the op has no attributes).
Refused: nothing but other dtypes than floats.
"""

import onnx_ir as ir

from hetsched.convert.rules.rule import Rule, Site, needs_float
from hetsched.convert.rules.tape import Tape


def rewrite(site: Site, tape: Tape) -> ir.Value:
    """Softplus, Tanh, Mul. Source: Mish-18 of ONNX."""
    x = site.input(0)
    return tape.op("Mul", x, tape.op("Tanh", tape.op("Softplus", x)))


RULE = Rule(
    name="mish", ops=("Mish",), makes="Softplus, Tanh, Mul",
    exactness="rounding", check=needs_float, rewrite=rewrite,
)  # fmt: skip
