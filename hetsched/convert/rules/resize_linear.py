"""Bilinear Resize and Upsample by whole scales to Pad and a depthwise ConvTranspose.

Along an axis, output i lies at i / s + c, and pixel j weighs max(0, 1 - |i / s + c - j|) there: a
transposed convolution with stride s and a triangle as kernel, over an input that repeats its edge.

Handled: rank 4; half_pixel, pytorch_half_pixel and asymmetric coordinates (the triangle is compared
with the matrices of `resampling`).
Refused: align_corners (see `resize-matmul`), other modes, ranks and scales.
"""

from dataclasses import dataclass

import numpy as np
import onnx_ir as ir

from hetsched.convert.rules import forms, resampling
from hetsched.convert.rules.rule import Rule, Site, known_shape, needs_float
from hetsched.convert.rules.tape import Tape

_RANK = 4


@dataclass(frozen=True, slots=True)
class Axis:
    """One spatial axis.

    Attributes:
        stride: of the transposed convolution.
        kernel: its weights.
        pad: how often the edges are repeated, on both sides.
        crop: what is cut off before and after.
    """

    stride: int
    kernel: np.ndarray
    pad: int
    crop: tuple[int, int]


_UNCHANGED = Axis(1, np.ones(1), 0, (0, 0))


def check(site: Site) -> str | None:
    """None where it applies."""
    if resampling.mode_of(site) != "linear":
        return "not mode linear"
    if (why := needs_float(site) or resampling.reason(site)) is not None:
        return why
    if len(known_shape(site.input(0))) != _RANK or axes(site) is None:
        return "not rank 4 with height and width times whole numbers, from pixel centres or corners"
    return None


def axes(site: Site) -> list[Axis] | None:
    """Height and width."""
    found = resampling.matrices(site)
    if not found or min(found) < _RANK - 2:
        return None
    made = [_axis(found[axis]) if axis in found else _UNCHANGED for axis in (2, 3)]
    known = [axis for axis in made if axis is not None]
    return known if len(known) == len(made) else None


def _axis(matrix: np.ndarray) -> Axis | None:
    made, size = matrix.shape
    if made % size:
        return None
    stride = made // size
    for shift in (0.5 / stride - 0.5, 0.0):  # from pixel centres, from corners
        axis = _triangle(stride, shift, size)
        if np.allclose(_as_matrix(axis, size), matrix, rtol=0, atol=1e-9):
            return axis
    return None


def _triangle(stride: int, shift: float, size: int) -> Axis:
    """Weights by output minus stride times pixel, and where the first output lies."""
    offsets = np.arange(-2 * stride, 2 * stride + 1)
    weights = 1 - np.abs(offsets / stride + shift)
    inside = weights > 1e-12
    first, kernel = int(offsets[inside][0]), weights[inside]
    before = stride - first
    after = (size + 1) * stride + len(kernel) - before - size * stride
    return Axis(stride, kernel, 1, (before, after))


def _as_matrix(axis: Axis, size: int) -> np.ndarray:
    """What pad, transposed convolution and crop do to each pixel."""
    padded = np.vstack([np.eye(size)[:1], np.eye(size), np.eye(size)[-1:]])
    wide = np.zeros(((size + 1) * axis.stride + len(axis.kernel), size))
    for place, row in enumerate(padded):
        start = place * axis.stride
        wide[start : start + len(axis.kernel)] += np.outer(axis.kernel, row)
    return wide[axis.crop[0] : len(wide) - axis.crop[1]]


def rewrite(site: Site, tape: Tape) -> ir.Value:
    """Pad with the edges, ConvTranspose whose pads crop."""
    x, found = site.input(0), axes(site)
    assert found is not None
    channels, repeated = known_shape(x)[1], [axis.pad for axis in found]
    padded = forms.pad(tape, x, [0, 0, *repeated, 0, 0, *repeated], "edge")
    kernel = np.outer(*(axis.kernel for axis in found))
    weights = np.broadcast_to(kernel, (channels, 1, *kernel.shape))
    return tape.op(
        "ConvTranspose", padded, tape.constant(weights, x), group=channels,
        kernel_shape=list(kernel.shape), strides=[axis.stride for axis in found],
        pads=[axis.crop[side] for side in (0, 1) for axis in found],
    )  # fmt: skip


RULE = Rule(
    name="resize-linear", ops=("Resize", "Upsample"), makes="Pad, a depthwise ConvTranspose",
    exactness="rounding", check=check, rewrite=rewrite,
)  # fmt: skip
