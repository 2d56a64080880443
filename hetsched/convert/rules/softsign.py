"""Softsign to primitives: x / (1 + |x|).

Handled: floats.
Refused: other dtypes.
"""

import onnx_ir as ir

from hetsched.convert.rules import forms
from hetsched.convert.rules.rule import Rule, Site, needs_float
from hetsched.convert.rules.tape import Tape


def rewrite(site: Site, tape: Tape) -> ir.Value:
    """Abs, Add, Div."""
    x = site.input(0)
    return tape.op("Div", x, forms.moved(tape, tape.op("Abs", x), 1))


RULE = Rule(
    name="softsign", ops=("Softsign",), makes="Abs, Add, Div",
    exactness="rounding", check=needs_float, rewrite=rewrite,
)  # fmt: skip
