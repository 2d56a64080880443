"""Sigmoid to primitives: 1 / (1 + exp(-x)). Where exp overflows, the result is 0 as it should be.

Handled: float32 and float64.
Refused: other dtypes.
"""

import onnx_ir as ir

from hetsched.convert.rules.rule import Rule, Site, needs_float
from hetsched.convert.rules.tape import Tape


def rewrite(site: Site, tape: Tape) -> ir.Value:
    """Neg, Exp, Add, Div."""
    x = site.input(0)
    one = tape.number(1, x)
    return tape.op("Div", one, tape.op("Add", tape.op("Exp", tape.op("Neg", x)), one))


RULE = Rule(
    name="sigmoid", ops=("Sigmoid",), makes="Neg, Exp, Add, Div",
    exactness="rounding", check=needs_float, rewrite=rewrite,
)  # fmt: skip
