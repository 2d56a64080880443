"""Max and Min of more than two inputs to a chain of two each.

Handled: any number over 2, broadcasting, any dtype.
Refused: one or two inputs.
"""

from functools import reduce

import onnx_ir as ir

from hetsched.convert.rules.rule import Rule, Site
from hetsched.convert.rules.tape import Tape


def check(site: Site) -> str | None:
    """None where it applies."""
    return None if len(site.node.inputs) > 2 else "it has at most two inputs"


def rewrite(site: Site, tape: Tape) -> ir.Value:
    """op(op(a, b), c) and so on."""
    values = [value for value in site.node.inputs if value is not None]
    return reduce(lambda a, b: tape.op(site.node.op_type, a, b), values)


RULE = Rule(
    name="variadic", ops=("Max", "Min"), makes="a chain of the same op with two inputs",
    exactness="exact", check=check, rewrite=rewrite,
)  # fmt: skip
