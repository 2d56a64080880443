"""Pow with a stored exponent of 2, 3, 1/2 or -1 to Mul, Sqrt or Reciprocal.

Handled: one stored exponent of these.
Refused: other exponents, several of them, exponents known only at run time, integer bases.
Not the same: (-inf)^0.5, which is inf by Pow's rules and NaN by Sqrt's.
"""

import onnx_ir as ir

from hetsched.convert.rules.rule import Rule, Site, needs_float, stored
from hetsched.convert.rules.tape import Tape


def _exponent(site: Site) -> float | None:
    value = stored(site.input(1))
    return float(value.reshape(-1)[0]) if value is not None and value.size == 1 else None


def check(site: Site) -> str | None:
    """None where it applies."""
    exponent = _exponent(site)
    if exponent not in (2.0, 3.0, 0.5, -1.0):
        return f"exponent {exponent}, not 2, 3, 0.5 or -1"
    exponent_shape, shape = site.input(1).shape, site.output.shape
    if exponent_shape is None or shape is None or shape != site.input(0).shape:
        return "the exponent changes the shape"
    return needs_float(site)


def rewrite(site: Site, tape: Tape) -> ir.Value:
    """Mul, Sqrt or Reciprocal."""
    x, exponent = site.input(0), _exponent(site)
    if exponent == 0.5:
        return tape.op("Sqrt", x)
    if exponent == -1:
        return tape.op("Reciprocal", x)
    square = tape.op("Mul", x, x)
    return square if exponent == 2 else tape.op("Mul", square, x)


RULE = Rule(
    name="pow", ops=("Pow",), makes="Mul, Sqrt or Reciprocal",
    exactness="rounding", check=check, rewrite=rewrite,
)  # fmt: skip
