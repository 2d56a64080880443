"""Sigmoid to Tanh and back: sigmoid(x) = (1 + tanh(x / 2)) / 2, tanh(x) = 2 sigmoid(2x) - 1.

Handled: floats.
Refused: other dtypes. Where a sum nearly cancels, digits are lost: of Tanh near 0, of Sigmoid far
below 0. Relative to the output's range that is rounding.
"""

import onnx_ir as ir

from hetsched.convert.rules import forms
from hetsched.convert.rules.rule import Rule, Site, needs_float
from hetsched.convert.rules.tape import Tape


def rewrite(site: Site, tape: Tape) -> ir.Value:
    """Mul, the other one, Mul, Add."""
    x = site.input(0)
    if site.node.op_type == "Sigmoid":
        bent = tape.op("Tanh", forms.scaled(tape, x, 0.5))
        return forms.moved(tape, forms.scaled(tape, bent, 0.5), 0.5)
    bent = tape.op("Sigmoid", forms.scaled(tape, x, 2))
    return forms.moved(tape, forms.scaled(tape, bent, 2), -1)


RULE = Rule(
    name="sigmoid-tanh", ops=("Sigmoid", "Tanh"), makes="Mul, Tanh or Sigmoid, Mul, Add",
    exactness="rounding", check=needs_float, rewrite=rewrite,
)  # fmt: skip
