"""A strided convolution to SpaceToDepth and one of stride 1 with rearranged weights.

With stride s, output j reads places j * s + p: place j + q of phase p, with the kernel filled up by
zeros to a multiple of s. The phases are SpaceToDepth's channels.

Handled: rank 4, equal strides over 1 along height and width, no groups, every pad and dilation,
stored weights.
Refused: groups, different strides, other ranks, `auto_pad` SAME, unknown shapes.
"""

import numpy as np
import onnx_ir as ir

from hetsched.convert.rules import convolution, forms
from hetsched.convert.rules.convolution import Window
from hetsched.convert.rules.rule import Rule, Site, known_shape, known_value
from hetsched.convert.rules.tape import Tape

_RANK = 4


def check(site: Site) -> str | None:
    """None where it applies."""
    if (why := convolution.reason(site)) is not None:
        return why
    strides = convolution.window(site).strides
    if len(strides) != _RANK - 2 or len(set(strides)) != 1 or strides[0] == 1:
        return "not rank 4 with equal strides over 1"
    return "it has groups" if site.attribute("group", 1) != 1 else None


def rewrite(site: Site, tape: Tape) -> ir.Value:
    """Pad, SpaceToDepth, Conv."""
    found, weights = convolution.window(site), _filled(site)
    stride, taps = found.strides[0], [size // found.strides[0] for size in weights.shape[2:]]
    reach = [(o - 1 + t) * stride for o, t in zip(known_shape(site.output)[2:], taps, strict=True)]
    value = _exact(tape, site.input(0), found, reach)
    value = tape.op("SpaceToDepth", value, blocksize=stride)
    made, taken = weights.shape[:2]
    parts = weights.reshape(made, taken, taps[0], stride, taps[1], stride)
    phases = parts.transpose(0, 3, 5, 1, 2, 4).reshape(made, -1, *taps)
    kernel = tape.constant(np.ascontiguousarray(phases))
    return tape.op("Conv", value, kernel, *convolution.bias(site), kernel_shape=taps)


def _exact(tape: Tape, value: ir.Value, found: Window, sizes: list[int]) -> ir.Value:
    """The input padded or cut to these sizes."""
    shape = known_shape(value)[2:]
    after = [s - b - n for s, b, n in zip(sizes, found.before, shape, strict=True)]
    for axis, pad in enumerate(after, start=2):
        if pad < 0:
            value = forms.cut_axis(tape, value, axis, 0, known_shape(value)[axis] + pad)
    return forms.pad(tape, value, [0, 0, *found.before, 0, 0, *(max(0, pad) for pad in after)])


def _filled(site: Site) -> np.ndarray:
    """The kernel with its dilation spelled out, filled up to a multiple of the stride."""
    weights, found = known_value(site.input(1)), convolution.window(site)
    sizes = [
        -(-((taps - 1) * dilation + 1) // found.strides[0]) * found.strides[0]
        for taps, dilation in zip(found.kernel, found.dilations, strict=True)
    ]
    full = np.zeros((*weights.shape[:2], *sizes), weights.dtype)
    rows, columns = (np.arange(t) * d for t, d in zip(found.kernel, found.dilations, strict=True))
    full[:, :, rows[:, None], columns] = weights
    return full


RULE = Rule(
    name="conv-stride-depth", ops=("Conv",), makes="Pad, SpaceToDepth, Conv of stride 1",
    exactness="rounding", check=check, rewrite=rewrite,
)  # fmt: skip
