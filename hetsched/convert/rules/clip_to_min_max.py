"""Clip to Max and Min with stored limits: min(max(x, low), high).

Handled: limits stored or known at run time, one or both, low over high too (as ONNX defines).
Refused: no limits, other dtypes than floats. Equal for all numbers; but without an upper limit ONNX
Runtime's Clip makes the dtype's largest number of infinity.
"""

import onnx_ir as ir

from hetsched.convert.rules.rule import Rule, Site, needs_float
from hetsched.convert.rules.tape import Tape


def check(site: Site) -> str | None:
    """None where it applies."""
    if not (site.given("min", 1) or site.given("max", 2)):
        return "it has no limits"
    return needs_float(site)


def rewrite(site: Site, tape: Tape) -> ir.Value:
    """Max, then Min."""
    value = site.input(0)
    for op_type, name, index in (("Max", "min", 1), ("Min", "max", 2)):
        if name in site.node.attributes:
            value = tape.op(op_type, value, tape.number(site.attribute(name), value))
        elif (limit := site.optional(index)) is not None:
            value = tape.op(op_type, value, limit)
    return value


RULE = Rule(
    name="clip-to-min-max", ops=("Clip",), makes="Max, Min",
    exactness="rounding", check=check, rewrite=rewrite,
)  # fmt: skip
