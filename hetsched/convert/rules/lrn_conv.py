"""LRN to primitives; the mean over neighbouring channels as a 1x1 Conv with a band of 1 / size.

Handled: see `lrn`; rank 3 to 5.
Refused: see `lrn`; other ranks.
"""

import numpy as np
import onnx_ir as ir

from hetsched.convert.rules import lrn
from hetsched.convert.rules.rule import Rule, Site, known_shape
from hetsched.convert.rules.tape import Tape


def check(site: Site) -> str | None:
    """None where it applies."""
    if (why := lrn.check(site)) is not None:
        return why
    return None if 3 <= len(known_shape(site.input(0))) <= 5 else "not rank 3 to 5"


def rewrite(site: Site, tape: Tape) -> ir.Value:
    """Mul, Conv, Mul, Add, Sqrt, Mul, Div."""
    x, shape, (before, after) = site.input(0), known_shape(site.input(0)), lrn.window(site)
    channels = np.arange(shape[1])
    apart = channels[None, :] - channels[:, None]
    band = ((apart >= -before) & (apart <= after)) / (before + after + 1)
    weights = band.reshape(shape[1], shape[1], *(1,) * (len(shape) - 2))
    squares = tape.op("Mul", x, x)
    return lrn.divided(site, tape, tape.op("Conv", squares, tape.constant(weights, x)))


RULE = Rule(
    name="lrn-conv", ops=("LRN",), makes="Mul, 1x1 Conv, Add, Sqrt or Pow, Div",
    exactness="rounding", check=check, rewrite=rewrite,
)  # fmt: skip
