"""ConvTranspose to Conv, Reshape, Transpose, Reshape, exactly, with rearranged weights.

The convolution makes one channel per output channel and phase (see `phases`); the others interleave
the phases. A Slice follows where the pads aren't a multiple of the stride.

Handled and refused: see `phases`; a bias known only at run time is refused.
"""

import numpy as np
import onnx_ir as ir

from hetsched.convert.rules import phases
from hetsched.convert.rules.rule import Rule, Site, static_shape
from hetsched.convert.rules.tape import Tape


def check(site: Site) -> str | None:
    """None where it applies."""
    return phases.check(site) or phases.bias_reason(site)


def rewrite(site: Site, tape: Tape) -> ir.Value:
    """Conv, then [N, C, s..., H...] to [N, C, (H, s)...]."""
    found = phases.axes(site)
    parts = phases.phase_weights(site, found)
    rank, group, made = len(found), parts.shape[0], parts.shape[1]
    count = phases.phases_of(found)
    weights = parts.reshape(group * made * count, *parts.shape[2 + rank :])
    bias = phases.stored_bias(site)
    wide = None if bias is None else np.repeat(bias, count)
    value = phases.convolve(site, tape, found, weights, wide)
    if count > 1:
        value = _interleaved(tape, value, group * made, found)
    return phases.crop(tape, value, found)


def _interleaved(tape: Tape, value: ir.Value, channels: int, found: list[phases.Axis]) -> ir.Value:
    shape = static_shape(value)
    assert shape is not None
    rank, sizes = len(found), shape[2:]
    split = tape.reshape(value, (shape[0], channels, *(a.stride for a in found), *sizes))
    order = [0, 1]
    for i in range(rank):
        order += [2 + rank + i, 2 + i]
    turned = tape.op("Transpose", split, perm=order)
    joined = (size * a.stride for size, a in zip(sizes, found, strict=True))
    return tape.reshape(turned, (shape[0], channels, *joined))


RULE = Rule(
    name="conv-transpose", ops=("ConvTranspose",), makes="Conv, Reshape, Transpose, Reshape",
    exactness="rounding", check=check, rewrite=rewrite,
)  # fmt: skip
