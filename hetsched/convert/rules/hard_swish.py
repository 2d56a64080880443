"""HardSwish to primitives: x * Clip(x / 6 + 1/2, 0, 1).

Handled: all of it (the op has no attributes).
Refused: nothing but other dtypes than floats.
"""

import onnx_ir as ir

from hetsched.convert.rules.rule import Rule, Site, needs_float
from hetsched.convert.rules.tape import Tape


def rewrite(site: Site, tape: Tape) -> ir.Value:
    """Mul, Add, Clip, Mul. Source: HardSwish-14 of ONNX, alpha 1/6 and beta 0.5."""
    x = site.input(0)
    moved = tape.op("Add", tape.op("Mul", x, tape.number(1 / 6, x)), tape.number(0.5, x))
    return tape.op("Mul", x, tape.clip(moved, 0.0, 1.0))


RULE = Rule(
    name="hard-swish", ops=("HardSwish",), makes="Mul, Add, Clip, Mul",
    exactness="rounding", check=needs_float, rewrite=rewrite,
)  # fmt: skip
