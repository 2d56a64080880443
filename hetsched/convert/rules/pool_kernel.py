"""Pooling with a large kernel in steps.

MaxPool: one of stride 1 over part of the kernel, then one over the rest with the stride.
AveragePool whose blocks lie side by side: over blocks of the blocks.

Handled: MaxPool with any kernel over 3 (parts of up to 8, or 3), stride and pads, without dilation;
AveragePool without pads whose kernel is its stride, or as large as the input, and has factors.
Refused: other AveragePools, `ceil_mode`, dilations, indices that are read, `auto_pad` SAME, unknown
shapes, and MaxPools whose pads are as large as the parts.
"""

import onnx_ir as ir

from hetsched.convert.rules import convolution
from hetsched.convert.rules.rule import Rule, Site, known_shape
from hetsched.convert.rules.tape import Tape

_LARGE, _SMALL = 8, 3


def check(site: Site) -> str | None:
    """None where it applies."""
    if (why := convolution.reason(site)) is not None:
        return why
    found = convolution.window(site)
    if site.attribute("ceil_mode", 0) or set(found.dilations) != {1}:
        return "ceil_mode or dilations"
    if site.more_is_read:
        return "its indices are read"
    if max(found.kernel) <= _SMALL:
        return f"its kernel isn't over {_SMALL}"
    if site.node.op_type == "MaxPool":
        return "its pads are as large as a part" if max(found.pads) >= _limit(found) else None
    if any(found.pads) or not _side_by_side(site):
        return "its blocks have pads or overlap"
    return None if any(_factor(taps) > 1 for taps in found.kernel) else "its kernel has no factors"


def _limit(found: convolution.Window) -> int:
    return _LARGE if max(found.kernel) > _LARGE else _SMALL


def _side_by_side(site: Site) -> bool:
    found, shape = convolution.window(site), known_shape(site.input(0))[2:]
    return all(
        taps in (stride, size)
        for taps, stride, size in zip(found.kernel, found.strides, shape, strict=True)
    )


def _factor(taps: int) -> int:
    """The largest factor of up to 8 that leaves a second one, 1 where there is none."""
    return max(size for size in range(1, _LARGE + 1) if taps % size == 0 and size < max(taps, 2))


def rewrite(site: Site, tape: Tape) -> ir.Value:
    """Twice the same pooling, over smaller kernels."""
    found = convolution.window(site)
    if site.node.op_type == "AveragePool":
        first = [_factor(taps) for taps in found.kernel]
        rest = [taps // size for taps, size in zip(found.kernel, first, strict=True)]
        value = tape.op("AveragePool", site.input(0), kernel_shape=first, strides=first)
        steps = [-(-s // f) for s, f in zip(found.strides, first, strict=True)]
        return tape.op("AveragePool", value, kernel_shape=rest, strides=steps)
    limit = _limit(found)
    value, left = site.input(0), list(found.kernel)
    pads = found.pads
    while max(left) > limit:
        now = [min(limit, taps) for taps in left]
        value = tape.op("MaxPool", value, kernel_shape=now, pads=pads)
        left, pads = (
            [taps - size + 1 for taps, size in zip(left, now, strict=True)],
            [0] * len(pads),
        )
    return tape.op("MaxPool", value, kernel_shape=left, strides=list(found.strides), pads=pads)


RULE = Rule(
    name="pool-kernel", ops=("MaxPool", "AveragePool"), makes="the same pooling in steps",
    exactness="rounding", check=check, rewrite=rewrite,
)  # fmt: skip
