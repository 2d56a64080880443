"""Transposed convolution as a plain one per phase of the stride: shared by its rules.

With stride s, output element j * s + p (phase p) is the sum over q of x[j - q] * w[q * s + p]: a
plain convolution for each phase. Kernels are dilated and padded with zeros to a multiple of s
first. The convolution makes all phases as channels; interleaving them gives the output.

Handled: any rank, strides, pads, output pads, dilations, groups, bias.
Refused: weights known only at run time; `auto_pad` SAME and `output_shape`, whose padding versions
of ONNX and its runtimes split differently.
"""

from dataclasses import dataclass
from math import prod

import numpy as np
import onnx_ir as ir

from hetsched.convert.rules.rule import Site, needs_float, static_shape, stored
from hetsched.convert.rules.tape import Tape


@dataclass(frozen=True, slots=True)
class Axis:
    """One spatial axis.

    Attributes:
        stride: of the transposed convolution.
        taps: kernel size of a phase.
        before: zeros before the input of the plain convolution.
        after: zeros after it.
        crop: what of the interleaved output comes before the wanted one.
        size: of the wanted output.
        made: of the interleaved output.
    """

    stride: int
    taps: int
    before: int
    after: int
    crop: int
    size: int
    made: int


def check(site: Site) -> str | None:
    """None where an exact plain form exists."""
    if (reason := needs_float(site)) is not None:
        return reason
    if stored(site.input(1)) is None:
        return "the weights aren't stored"
    if site.attribute("auto_pad", "NOTSET") not in ("NOTSET", "VALID"):
        return "auto_pad SAME: its padding isn't the same in all runtimes"
    if site.attribute("output_shape") is not None:
        return "output_shape: its padding isn't the same in all runtimes"
    if static_shape(site.input(0)) is None or static_shape(site.output) is None:
        return "shapes aren't known"
    return None


def axes(site: Site) -> list[Axis]:
    """The spatial axes."""
    shape, out = static_shape(site.input(0)), static_shape(site.output)
    weights = stored(site.input(1))
    assert shape is not None
    assert out is not None
    assert weights is not None
    rank = len(shape) - 2
    strides = site.attribute("strides", [1] * rank)
    dilations = site.attribute("dilations", [1] * rank)
    pads = site.attribute("pads", [0] * 2 * rank)
    found = []
    for i in range(rank):
        kernel = (weights.shape[2 + i] - 1) * dilations[i] + 1
        found.append(_axis(shape[2 + i], kernel, strides[i], pads[i], out[2 + i]))
    return found


def _axis(size: int, kernel: int, stride: int, pad: int, out: int) -> Axis:
    taps = -(-kernel // stride)
    first = min(pad // stride, taps - 1)  # a plain convolution can't have negative pads
    last = -(-(pad + out) // stride)
    after = max(0, last - size)
    made = (size + after - first) * stride
    return Axis(
        stride=stride, taps=taps, before=taps - 1 - first, after=after,
        crop=pad - first * stride, size=out, made=made,
    )  # fmt: skip


def phase_weights(site: Site, found: list[Axis]) -> np.ndarray:
    """Weights [group, made per group, phase..., taken per group, taps...] of the convolution."""
    weights = stored(site.input(1))
    assert weights is not None
    group, rank = site.attribute("group", 1), len(found)
    dilations = site.attribute("dilations", [1] * rank)
    taken, made = weights.shape[0] // group, weights.shape[1]
    full = np.zeros((*weights.shape[:2], *(a.taps * a.stride for a in found)), weights.dtype)
    places = [np.arange(n) * d for n, d in zip(weights.shape[2:], dilations, strict=True)]
    full[np.ix_(range(full.shape[0]), range(full.shape[1]), *places)] = weights
    split = [size for a in found for size in (a.taps, a.stride)]
    parts = full.reshape(group, taken, made, *split)
    taps = [3 + 2 * i for i in range(rank)]
    phases = [4 + 2 * i for i in range(rank)]
    ordered = parts.transpose(0, 2, *phases, 1, *taps)
    flipped: np.ndarray = np.flip(ordered, axis=tuple(range(-rank, 0)))
    return flipped


def convolve(
    site: Site, tape: Tape, found: list[Axis], weights: np.ndarray, bias: np.ndarray | None
) -> ir.Value:
    """The plain convolution; weights [made, taken per group, taps...]."""
    pads = [a.before for a in found] + [a.after for a in found]
    inputs = [site.input(0), tape.constant(np.ascontiguousarray(weights))]
    if bias is not None:
        inputs.append(tape.constant(bias))
    return tape.op(
        "Conv", *inputs, group=site.attribute("group", 1), pads=pads,
        kernel_shape=[a.taps for a in found], strides=[1] * len(found),
        dilations=[1] * len(found),
    )  # fmt: skip


def crop(tape: Tape, value: ir.Value, found: list[Axis]) -> ir.Value:
    """The wanted part of the interleaved output."""
    cut = [i for i, a in enumerate(found) if a.crop or a.made != a.size]
    if not cut:
        return value
    starts = [found[i].crop for i in cut]
    ends = [found[i].crop + found[i].size for i in cut]
    where = [2 + i for i in cut]
    if tape.opset < 10:  # attributes
        return tape.op("Slice", value, starts=starts, ends=ends, axes=where)
    return tape.op("Slice", value, *(tape.integers(*x) for x in (starts, ends, where)))


def interleave_by_axis(tape: Tape, value: ir.Value, channels: int, found: list[Axis]) -> ir.Value:
    """[N, C * s * s, H, W] to [N, C, H * s, W * s], one axis after the other, in 4 dimensions."""
    shape = static_shape(value)
    assert shape is not None
    (n, _, height, width), (down, right) = shape, (axis.stride for axis in found)
    value = tape.reshape(value, (n * channels * down, right, height, width))
    value = tape.op("Transpose", value, perm=[0, 2, 3, 1])
    value = tape.reshape(value, (n * channels, down, height, width * right))
    value = tape.op("Transpose", value, perm=[0, 2, 1, 3])
    return tape.reshape(value, (n, channels, height * down, width * right))


def stored_bias(site: Site) -> np.ndarray | None:
    """The bias, None when there is none."""
    value = site.optional(2)
    return None if value is None else stored(value)


def bias_reason(site: Site) -> str | None:
    """None unless the bias is only known at run time."""
    value = site.optional(2)
    return None if value is None or stored(value) is not None else "the bias isn't stored"


def phases_of(found: list[Axis]) -> int:
    """How many phases there are."""
    return prod(a.stride for a in found)
