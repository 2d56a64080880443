"""Div to Mul with Reciprocal: x / y = x * (1 / y).

Handled: floats.
Refused: integers, which truncate. 1 / y rounds once more.
"""

import numpy as np
import onnx_ir as ir

from hetsched.convert.rules.rule import Rule, Site, needs_float, stored
from hetsched.convert.rules.tape import Tape


def check(site: Site) -> str | None:
    """None where it applies."""
    if (reason := needs_float(site)) is not None:
        return reason
    return "the divisor is stored" if stored(site.input(1)) is not None else None


def rewrite(site: Site, tape: Tape) -> ir.Value:
    """Reciprocal, and Mul unless 1 is divided."""
    above = stored(site.input(0))
    below = tape.op("Reciprocal", site.input(1))
    if above is not None and above.ndim == 0 and bool(np.all(above == 1)):
        return below
    return tape.op("Mul", site.input(0), below)


RULE = Rule(
    name="div-to-reciprocal", ops=("Div",), makes="Mul by Reciprocal",
    exactness="rounding", check=check, rewrite=rewrite,
)  # fmt: skip
