"""ConvTranspose to Conv, Reshapes and Transposes of at most 4 dimensions.

As `conv_transpose`, for targets that limit the rank: the phases of width and of height are
interleaved one after the other.

Handled and refused: as `conv_transpose`, with two spatial axes only.
"""

import numpy as np
import onnx_ir as ir

from hetsched.convert.rules import phases
from hetsched.convert.rules.rule import Rule, Site, static_shape
from hetsched.convert.rules.tape import Tape

_RANK = 4


def check(site: Site) -> str | None:
    """None where it applies."""
    shape = static_shape(site.input(0))
    if shape is None or len(shape) != _RANK:
        return "not two spatial axes"
    return phases.check(site) or phases.bias_reason(site)


def rewrite(site: Site, tape: Tape) -> ir.Value:
    """Conv, then Reshape and Transpose for each axis."""
    found = phases.axes(site)
    parts = phases.phase_weights(site, found)
    channels, count = parts.shape[0] * parts.shape[1], phases.phases_of(found)
    weights = parts.reshape(channels * count, *parts.shape[4:])
    bias = phases.stored_bias(site)
    wide = None if bias is None else np.repeat(bias, count)
    value = phases.convolve(site, tape, found, weights, wide)
    if count > 1:
        value = phases.interleave_by_axis(tape, value, channels, found)
    return phases.crop(tape, value, found)


RULE = Rule(
    name="conv-transpose-4d", ops=("ConvTranspose",), makes="Conv, Reshape, Transpose",
    exactness="rounding", check=check, rewrite=rewrite,
)  # fmt: skip
