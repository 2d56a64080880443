"""Erf to primitives, approximated: sign(x) * (1 - p(t) * exp(-x^2)), t = 1 / (1 + c |x|).

It is what an exported GELU, x/2 * (1 + erf(x / sqrt(2))), has in it, and what many targets
lack. The polynomial's own error is at most 1.5e-7; with float32's roundings 5.1e-7 was measured.

Handled: float32.
Refused: float64, whose users want more; float16, in which 1 + c |x| and x^2 lose too much.
"""

import onnx_ir as ir

from hetsched.convert.rules.rule import Rule, Site
from hetsched.convert.rules.tape import Tape

_C = 0.3275911
_POLYNOMIAL = (1.061405429, -1.453152027, 1.421413741, -0.284496736, 0.254829592)
"""Of t^5 down to t. Source: Abramowitz and Stegun, Handbook of Mathematical Functions, 7.1.26,
|error| <= 1.5e-7."""

_STEEP = 1e10
"""Clip(x * 1e10, -1, 1) is the sign of x, but for |x| < 1e-10, where erf(x) is under 1.2e-10."""


def check(site: Site) -> str | None:
    """None where the error bound holds."""
    dtype = site.input(0).dtype
    return None if dtype == ir.DataType.FLOAT else f"{dtype} isn't float32"


def rewrite(site: Site, tape: Tape) -> ir.Value:
    """Abs, Mul, Add, Reciprocal; the polynomial; Mul, Neg, Exp; Mul, Neg, Add; Mul, Clip, Mul."""
    x = site.input(0)
    one = tape.number(1.0, x)
    scaled = tape.op("Mul", tape.op("Abs", x), tape.number(_C, x))
    t = tape.op("Reciprocal", tape.op("Add", scaled, one))
    sum_ = tape.op("Mul", t, tape.number(_POLYNOMIAL[0], x))
    for factor in _POLYNOMIAL[1:]:
        sum_ = tape.op("Mul", tape.op("Add", sum_, tape.number(factor, x)), t)
    fall = tape.op("Exp", tape.op("Neg", tape.op("Mul", x, x)))
    size = tape.op("Add", tape.op("Neg", tape.op("Mul", sum_, fall)), one)
    sign = tape.clip(tape.op("Mul", x, tape.number(_STEEP, x)), -1.0, 1.0)
    return tape.op("Mul", size, sign)


RULE = Rule(
    name="erf", ops=("Erf",), makes="Abs, Reciprocal, a polynomial, Exp, Clip, Mul",
    exactness="bounded", check=check, rewrite=rewrite,
)  # fmt: skip
