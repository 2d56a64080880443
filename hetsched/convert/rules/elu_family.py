"""Elu, Selu and Celu to primitives: Relu(x) + a * (exp(min(x, 0) / c) - 1), times gamma.

Handled: every alpha and gamma; Celu with alpha over 0.
Refused: other dtypes than floats; Celu with alpha 0 or less.
"""

import onnx_ir as ir

from hetsched.convert.rules.rule import Rule, Site, needs_float
from hetsched.convert.rules.tape import Tape

_SELU_ALPHA, _SELU_GAMMA = 1.67326319217681884765625, 1.05070102214813232421875
"""Source: Selu-6 of ONNX, the defaults."""


def check(site: Site) -> str | None:
    """None where it applies."""
    if site.node.op_type == "Celu" and site.attribute("alpha", 1.0) <= 0:
        return "Celu's alpha must be over 0"
    return needs_float(site)


def rewrite(site: Site, tape: Tape) -> ir.Value:
    """Relu plus the part under 0, which is -Relu(-x), so that no branch overflows."""
    x, kind = site.input(0), site.node.op_type
    alpha = site.attribute("alpha", _SELU_ALPHA if kind == "Selu" else 1.0)
    below = tape.op("Neg", tape.op("Relu", tape.op("Neg", x)))
    if kind == "Celu" and alpha != 1:
        below = tape.op("Mul", below, tape.number(1 / alpha, x))
    bent = tape.op("Add", tape.op("Exp", below), tape.number(-1.0, x))
    if alpha != 1:
        bent = tape.op("Mul", bent, tape.number(alpha, x))
    joined = tape.op("Add", tape.op("Relu", x), bent)
    if kind != "Selu":
        return joined
    return tape.op("Mul", joined, tape.number(site.attribute("gamma", _SELU_GAMMA), x))


RULE = Rule(
    name="elu-family", ops=("Elu", "Selu", "Celu"), makes="Relu, Neg, Exp, Add, Mul",
    exactness="rounding", check=check, rewrite=rewrite,
)  # fmt: skip
