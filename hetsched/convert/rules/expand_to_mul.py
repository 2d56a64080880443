"""Expand to Mul with ones.

Handled: floats, int32 and int64, known output shapes of up to a million numbers of ones.
Refused: other dtypes, unknown shapes.
"""

from math import prod

import numpy as np
import onnx_ir as ir

from hetsched.convert.rules.rule import FLOATS, Rule, Site, known_shape, static_shape
from hetsched.convert.rules.tape import Tape

_DTYPES = (*FLOATS, ir.DataType.INT32, ir.DataType.INT64)
_MAX_ONES = 1_000_000


def check(site: Site) -> str | None:
    """None where it applies."""
    if site.input(0).dtype not in _DTYPES:
        return f"{site.input(0).dtype} isn't multiplied everywhere"
    if static_shape(site.input(0)) is None or static_shape(site.output) is None:
        return "its shape isn't known"
    if (count := prod(_ones(site))) > _MAX_ONES:
        return f"it would take {count} ones"
    return None


def _ones(site: Site) -> tuple[int, ...]:
    """The output's shape, 1 where the input has it already."""
    shape, out = known_shape(site.input(0)), known_shape(site.output)
    full = (1,) * (len(out) - len(shape)) + shape
    return tuple(1 if old == new else new for old, new in zip(full, out, strict=True))


def rewrite(site: Site, tape: Tape) -> ir.Value:
    """Mul, which broadcasts."""
    return tape.op("Mul", site.input(0), tape.constant(np.ones(_ones(site)), site.input(0)))


RULE = Rule(
    name="expand-to-mul", ops=("Expand",), makes="Mul with ones",
    exactness="exact", check=check, rewrite=rewrite,
)  # fmt: skip
