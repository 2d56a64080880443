"""Swish to primitives: x * sigmoid(alpha * x).

Handled: every alpha.
Refused: other dtypes than floats.
"""

import onnx_ir as ir

from hetsched.convert.rules import forms
from hetsched.convert.rules.rule import Rule, Site, needs_float
from hetsched.convert.rules.tape import Tape


def rewrite(site: Site, tape: Tape) -> ir.Value:
    """Mul, Sigmoid, Mul."""
    x = site.input(0)
    gate = tape.op("Sigmoid", forms.scaled(tape, x, site.attribute("alpha", 1.0)))
    return tape.op("Mul", x, gate)


RULE = Rule(
    name="swish", ops=("Swish",), makes="Mul, Sigmoid, Mul",
    exactness="rounding", check=needs_float, rewrite=rewrite,
)  # fmt: skip
