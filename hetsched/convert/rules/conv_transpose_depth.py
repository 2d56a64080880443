"""ConvTranspose to Conv and DepthToSpace, exactly, with rearranged weights.

As `conv_transpose`, with the phases as the outer channels, which DepthToSpace (mode DCR)
interleaves.

Handled: two spatial axes of the same stride over 1; else see `phases`.
Refused: other strides; several groups, whose channels DepthToSpace would mix.
"""

import numpy as np
import onnx_ir as ir

from hetsched.convert.rules import phases
from hetsched.convert.rules.rule import Rule, Site, static_shape
from hetsched.convert.rules.tape import Tape

_RANK = 4


def check(site: Site) -> str | None:
    """None where it applies."""
    reason = phases.check(site) or phases.bias_reason(site)
    if reason is not None:
        return reason
    shape = static_shape(site.input(0))
    if shape is None or len(shape) != _RANK:
        return "not two spatial axes"
    strides = site.attribute("strides", [1, 1])
    if strides[0] != strides[1] or strides[0] < 2:
        return f"DepthToSpace needs the same stride of 2 or more on both axes, not {strides}"
    if site.attribute("group", 1) != 1:
        return "DepthToSpace would mix the groups"
    return None


def rewrite(site: Site, tape: Tape) -> ir.Value:
    """Conv with channels ordered by phase, then DepthToSpace."""
    found = phases.axes(site)
    parts = phases.phase_weights(site, found)[0]  # [made, phase, phase, taken, taps, taps]
    ordered = parts.transpose(1, 2, 0, 3, 4, 5)
    weights = ordered.reshape(-1, *ordered.shape[3:])
    bias = phases.stored_bias(site)
    wide = None if bias is None else np.tile(bias, phases.phases_of(found))
    value = phases.convolve(site, tape, found, weights, wide)
    value = tape.op("DepthToSpace", value, blocksize=found[0].stride)
    return phases.crop(tape, value, found)


RULE = Rule(
    name="conv-transpose-depth", ops=("ConvTranspose",), makes="Conv, DepthToSpace",
    exactness="rounding", check=check, rewrite=rewrite,
)  # fmt: skip
