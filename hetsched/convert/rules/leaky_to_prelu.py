"""LeakyRelu to PRelu with a stored slope per channel.

Handled: inputs of rank 2 and more with known channels.
Refused: inputs of rank 0 and 1, unknown channels, other dtypes than float32 and float64: the slope
itself would be rounded in float16.
"""

import numpy as np
import onnx_ir as ir

from hetsched.convert.rules.rule import Rule, Site, needs_float, static_shape
from hetsched.convert.rules.tape import Tape


def check(site: Site) -> str | None:
    """None where it applies."""
    shape = static_shape(site.input(0))
    if shape is None or len(shape) < 2:
        return "the input's channels aren't known"
    if site.input(0).dtype == ir.DataType.FLOAT16:
        return "float16 would round the slope"
    return needs_float(site)


def rewrite(site: Site, tape: Tape) -> ir.Value:
    """PRelu whose slope broadcasts over all but the channels."""
    x = site.input(0)
    shape = static_shape(x)
    assert shape is not None
    slope = np.full((shape[1], *(1,) * (len(shape) - 2)), site.attribute("alpha", 0.01))
    return tape.op("PRelu", x, tape.constant(slope, x))


RULE = Rule(
    name="leaky-to-prelu", ops=("LeakyRelu",), makes="PRelu",
    exactness="exact", check=check, rewrite=rewrite,
)  # fmt: skip
