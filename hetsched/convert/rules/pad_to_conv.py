"""Pad with zeros of height and width to a depthwise 1x1 Conv that pads.

Handled: rank 4, zeros around height and width.
Refused: other values, modes, axes and ranks; negative pads; other dtypes than floats.
"""

import numpy as np
import onnx_ir as ir

from hetsched.convert.rules import padding
from hetsched.convert.rules.rule import Rule, Site, known_shape, needs_float
from hetsched.convert.rules.tape import Tape

_RANK = 4


def check(site: Site) -> str | None:
    """None where it applies."""
    if (why := padding.reason(site) or needs_float(site)) is not None:
        return why
    number = padding.fill(site)
    if padding.mode_of(site) != "constant" or number is None or number != 0:
        return "it doesn't pad with zeros"
    pads = padding.pads_of(site)
    if len(pads) != _RANK or pads[:2] != [(0, 0)] * 2 or any(min(pair) < 0 for pair in pads):
        return "it doesn't just pad height and width"
    return None


def rewrite(site: Site, tape: Tape) -> ir.Value:
    """Conv with one weight of 1 per channel."""
    x, pads = site.input(0), padding.pads_of(site)[2:]
    channels = known_shape(x)[1]
    weights = tape.constant(np.ones((channels, 1, 1, 1)), x)
    around = [pair[side] for side in (0, 1) for pair in pads]
    return tape.op("Conv", x, weights, group=channels, pads=around, kernel_shape=[1, 1])


RULE = Rule(
    name="pad-to-conv", ops=("Pad",), makes="a depthwise Conv of ones",
    exactness="rounding", check=check, rewrite=rewrite,
)  # fmt: skip
