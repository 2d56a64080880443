"""Softplus to primitives that don't overflow: max(x, 0) + log(1 + exp(-|x|)).

Handled: all of it (the op has no attributes).
Refused: nothing but other dtypes than floats. Where exp(-|x|) is under the rounding of 1, the
logarithm is 0: an error of one rounding of 1.
"""

import onnx_ir as ir

from hetsched.convert.rules.rule import Rule, Site, needs_float
from hetsched.convert.rules.tape import Tape


def rewrite(site: Site, tape: Tape) -> ir.Value:
    """Abs, Neg, Exp, Add, Log, Relu, Add."""
    x = site.input(0)
    small = tape.op("Exp", tape.op("Neg", tape.op("Abs", x)))
    rest = tape.op("Log", tape.op("Add", small, tape.number(1.0, x)))
    return tape.op("Add", tape.op("Relu", x), rest)


RULE = Rule(
    name="softplus", ops=("Softplus",), makes="Abs, Neg, Exp, Add, Log, Relu, Add",
    exactness="rounding", check=needs_float, rewrite=rewrite,
)  # fmt: skip
