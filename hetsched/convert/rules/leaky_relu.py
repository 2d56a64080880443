"""LeakyRelu and PRelu to primitives: Relu(x) - slope * Relu(-x).

Handled: every alpha; PRelu with a stored slope, or one known at run time.
Refused: other dtypes than floats.
Equal for all numbers, since one of the two parts is 0; but 0 times an infinite slope is NaN.
"""

import numpy as np
import onnx_ir as ir

from hetsched.convert.rules.rule import Rule, Site, needs_float, stored
from hetsched.convert.rules.tape import Tape


def rewrite(site: Site, tape: Tape) -> ir.Value:
    """Relu, Neg, Mul, Add. Default: LeakyRelu-16 of ONNX."""
    x = site.input(0)
    below = tape.op("Relu", tape.op("Neg", x))
    scaled = tape.op("Mul", below, _negated_slope(site, tape))
    return tape.op("Add", tape.op("Relu", x), scaled)


def _negated_slope(site: Site, tape: Tape) -> ir.Value:
    if site.node.op_type == "LeakyRelu":
        return tape.number(-site.attribute("alpha", 0.01), site.input(0))
    slope = stored(site.input(1))
    return tape.op("Neg", site.input(1)) if slope is None else tape.constant(np.negative(slope))


RULE = Rule(
    name="leaky-relu", ops=("LeakyRelu", "PRelu"), makes="Relu, Neg, Mul, Add",
    exactness="rounding", check=needs_float, rewrite=rewrite,
)  # fmt: skip
