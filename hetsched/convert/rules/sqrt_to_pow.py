"""Sqrt to Pow with exponent 1/2, Reciprocal to Pow with -1.

Handled: floats.
Refused: other dtypes.
"""

import onnx_ir as ir

from hetsched.convert.rules.rule import Rule, Site, needs_float
from hetsched.convert.rules.tape import Tape


def rewrite(site: Site, tape: Tape) -> ir.Value:
    """Pow with a stored exponent."""
    x = site.input(0)
    exponent = 0.5 if site.node.op_type == "Sqrt" else -1.0
    return tape.op("Pow", x, tape.number(exponent, x))


RULE = Rule(
    name="sqrt-to-pow", ops=("Sqrt", "Reciprocal"), makes="Pow",
    exactness="rounding", check=needs_float, rewrite=rewrite,
)  # fmt: skip
