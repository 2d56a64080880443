"""Mean to Sum times a stored number.

Handled: any number of inputs, broadcasting.
Refused: other dtypes than floats.
"""

import onnx_ir as ir

from hetsched.convert.rules import forms
from hetsched.convert.rules.rule import Rule, Site, needs_float
from hetsched.convert.rules.tape import Tape


def rewrite(site: Site, tape: Tape) -> ir.Value:
    """Add for two inputs, Sum for more; Mul."""
    count = len(site.node.inputs)
    total = tape.op("Add" if count == 2 else "Sum", *site.node.inputs)
    return forms.scaled(tape, total, 1 / count)


RULE = Rule(
    name="mean-to-sum", ops=("Mean",), makes="Add or Sum, Mul",
    exactness="rounding", check=needs_float, rewrite=rewrite,
)  # fmt: skip
