"""Reciprocal to Div: 1 / x.

Handled: floats.
Refused: other dtypes.
"""

import onnx_ir as ir

from hetsched.convert.rules.rule import Rule, Site, needs_float
from hetsched.convert.rules.tape import Tape


def rewrite(site: Site, tape: Tape) -> ir.Value:
    """Div of a stored 1."""
    return tape.op("Div", tape.number(1.0, site.input(0)), site.input(0))


RULE = Rule(
    name="reciprocal-to-div", ops=("Reciprocal",), makes="Div",
    exactness="rounding", check=needs_float, rewrite=rewrite,
)  # fmt: skip
