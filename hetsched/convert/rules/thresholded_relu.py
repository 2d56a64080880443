"""ThresholdedRelu to Greater, Cast, Mul: x where it's over alpha, else 0.

Handled: every alpha.
Refused: other dtypes than floats. Equal for all numbers; minus infinity times 0 is NaN.
"""

import onnx_ir as ir

from hetsched.convert.rules.rule import Rule, Site, needs_float
from hetsched.convert.rules.tape import Tape


def rewrite(site: Site, tape: Tape) -> ir.Value:
    """Greater, Cast, Mul. Default: ThresholdedRelu-10 of ONNX."""
    x = site.input(0)
    assert x.dtype is not None
    over = tape.op("Greater", x, tape.number(site.attribute("alpha", 1.0), x))
    return tape.op("Mul", x, tape.op("Cast", over, to=int(x.dtype)))


RULE = Rule(
    name="thresholded-relu", ops=("ThresholdedRelu",), makes="Greater, Cast, Mul",
    exactness="rounding", check=needs_float, rewrite=rewrite,
)  # fmt: skip
