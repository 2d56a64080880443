"""Relu to Clip from 0.

Handled: floats.
Refused: other dtypes. Equal for all numbers; but ONNX Runtime's Clip makes the dtype's largest
number of infinity.
"""

import onnx_ir as ir

from hetsched.convert.rules.rule import Rule, Site, needs_float
from hetsched.convert.rules.tape import Tape


def rewrite(site: Site, tape: Tape) -> ir.Value:
    """Clip without an upper limit."""
    return tape.clip(site.input(0), 0.0, None)


RULE = Rule(
    name="relu-to-clip", ops=("Relu",), makes="Clip",
    exactness="rounding", check=needs_float, rewrite=rewrite,
)  # fmt: skip
