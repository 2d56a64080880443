"""Gelu to primitives: x/2 * (1 + erf(x / sqrt(2))), or its tanh form where the op asks for it.

Handled: approximate `none` and `tanh`.
Refused: other dtypes than floats.
"""

import math

import onnx_ir as ir

from hetsched.convert.rules.rule import Rule, Site, needs_float
from hetsched.convert.rules.tape import Tape

_CUBE = 0.044715
"""Source: Gelu-20 of ONNX, the tanh approximation."""


def rewrite(site: Site, tape: Tape) -> ir.Value:
    """Mul, Erf (or the tanh polynomial), Add, Mul."""
    x = site.input(0)
    inner = _tanh(x, tape) if site.attribute("approximate", "none") == "tanh" else _erf(x, tape)
    half = tape.op("Mul", x, tape.number(0.5, x))
    return tape.op("Mul", half, tape.op("Add", inner, tape.number(1.0, x)))


def _erf(x: ir.Value, tape: Tape) -> ir.Value:
    return tape.op("Erf", tape.op("Mul", x, tape.number(math.sqrt(0.5), x)))


def _tanh(x: ir.Value, tape: Tape) -> ir.Value:
    """tanh(sqrt(2/pi) * (x + 0.044715 x^3))."""
    cube = tape.op("Mul", tape.op("Mul", x, x), x)
    moved = tape.op("Add", x, tape.op("Mul", cube, tape.number(_CUBE, x)))
    return tape.op("Tanh", tape.op("Mul", moved, tape.number(math.sqrt(2 / math.pi), x)))


RULE = Rule(
    name="gelu", ops=("Gelu",), makes="Mul, Erf or Tanh, Add, Mul",
    exactness="rounding", check=needs_float, rewrite=rewrite,
)  # fmt: skip
