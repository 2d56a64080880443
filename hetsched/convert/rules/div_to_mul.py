"""Div by a constant to Mul by its reciprocal.

Handled: floats, stored divisors whose reciprocals are normal numbers.
Refused: integers (they truncate), divisors known only at run time, zero and extreme divisors.
Exact where the divisor is a power of two, else x * (1 / c) rounds twice.
"""

import numpy as np
import onnx_ir as ir

from hetsched.convert.rules.rule import Rule, Site, needs_float, stored
from hetsched.convert.rules.tape import Tape


def check(site: Site) -> str | None:
    """None where it applies."""
    if (reason := needs_float(site)) is not None:
        return reason
    divisor = stored(site.input(1))
    if divisor is None:
        return "the divisor isn't stored"
    limits = np.finfo(divisor.dtype)
    size = np.abs(divisor)
    normal = (size >= 1 / float(limits.max)) & (size <= 1 / float(limits.tiny))
    if not bool((normal & (size >= limits.tiny) & (size <= limits.max)).all()):
        return "a divisor's reciprocal is no normal number"
    return None


def rewrite(site: Site, tape: Tape) -> ir.Value:
    """Mul by reciprocals, computed in double and rounded once."""
    divisor = stored(site.input(1))
    assert divisor is not None
    reciprocal = (1 / divisor.astype(np.float64)).astype(divisor.dtype)
    return tape.op("Mul", site.input(0), tape.constant(reciprocal))


RULE = Rule(
    name="div-to-mul", ops=("Div",), makes="Mul by the stored reciprocal",
    exactness="rounding", check=check, rewrite=rewrite,
)  # fmt: skip
