"""HardSigmoid to primitives: Clip(alpha * x + beta, 0, 1).

Handled: every alpha and beta.
Refused: nothing but other dtypes than floats.
"""

import onnx_ir as ir

from hetsched.convert.rules.rule import Rule, Site, needs_float
from hetsched.convert.rules.tape import Tape


def rewrite(site: Site, tape: Tape) -> ir.Value:
    """Mul, Add, Clip. Defaults: HardSigmoid-6 of ONNX."""
    x = site.input(0)
    scaled = tape.op("Mul", x, tape.number(site.attribute("alpha", 0.2), x))
    moved = tape.op("Add", scaled, tape.number(site.attribute("beta", 0.5), x))
    return tape.clip(moved, 0.0, 1.0)


RULE = Rule(
    name="hard-sigmoid", ops=("HardSigmoid",), makes="Mul, Add, Clip",
    exactness="rounding", check=needs_float, rewrite=rewrite,
)  # fmt: skip
