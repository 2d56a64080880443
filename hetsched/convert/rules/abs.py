"""Abs to Relu(x) + Relu(-x).

Handled: floats.
Refused: other dtypes. Exact: one of the two parts is 0.
"""

import onnx_ir as ir

from hetsched.convert.rules.rule import Rule, Site, needs_float
from hetsched.convert.rules.tape import Tape


def rewrite(site: Site, tape: Tape) -> ir.Value:
    """Relu, Neg, Relu, Add."""
    x = site.input(0)
    return tape.op("Add", tape.op("Relu", x), tape.op("Relu", tape.op("Neg", x)))


RULE = Rule(
    name="abs", ops=("Abs",), makes="Relu, Neg, Relu, Add",
    exactness="exact", check=needs_float, rewrite=rewrite,
)  # fmt: skip
