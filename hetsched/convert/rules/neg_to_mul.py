"""Neg to Mul by -1.

Handled: floats.
Refused: other dtypes.
"""

import onnx_ir as ir

from hetsched.convert.rules.rule import Rule, Site, needs_float
from hetsched.convert.rules.tape import Tape


def rewrite(site: Site, tape: Tape) -> ir.Value:
    """Mul by a stored -1."""
    return tape.op("Mul", site.input(0), tape.number(-1.0, site.input(0)))


RULE = Rule(
    name="neg-to-mul", ops=("Neg",), makes="Mul",
    exactness="exact", check=needs_float, rewrite=rewrite,
)  # fmt: skip
