"""Sub to Add: x - c = x + (-c), x - y = x + (-y).

Handled: floats and signed integers; either operand stored; broadcasting.
Refused: unsigned integers, whose negation isn't stored.
"""

import onnx_ir as ir

from hetsched.convert.rules.rule import FLOATS, Rule, Site, stored
from hetsched.convert.rules.tape import Tape

_SIGNED = (*FLOATS, ir.DataType.INT32, ir.DataType.INT64)


def check(site: Site) -> str | None:
    """None where it applies."""
    dtype = site.input(0).dtype
    return None if dtype in _SIGNED else f"{dtype} has no negative numbers to add"


def rewrite(site: Site, tape: Tape) -> ir.Value:
    """Add of the negated second operand."""
    left, right = site.input(0), site.input(1)
    known = stored(right)
    negated = tape.op("Neg", right) if known is None else tape.constant(-known)
    return tape.op("Add", left, negated)


RULE = Rule(
    name="sub-to-add", ops=("Sub",), makes="Add of a negated constant, or of Neg",
    exactness="exact", check=check, rewrite=rewrite,
)  # fmt: skip
