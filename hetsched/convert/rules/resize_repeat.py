"""Resize and Upsample that repeat pixels to a depthwise ConvTranspose with a kernel of ones.

Every pixel becomes a block of s x s copies: stride s, kernel s, one group per channel.

Handled: mode nearest, rank 4, whole scales of height and width over 1, coordinates that give plain
repetition: asymmetric with floor, half_pixel and pytorch_half_pixel rounded to nearest.
Refused: other modes, scales, coordinates and ranks; unknown shapes; other dtypes than floats.
Equal for all numbers: each output is one input times 1.
"""

import numpy as np
import onnx_ir as ir

from hetsched.convert.rules.rule import Rule, Site, needs_float, static_shape
from hetsched.convert.rules.tape import Tape

_RANK = 4
_ROUNDED = ("round_prefer_floor", "round_prefer_ceil")
_REPEATING = {
    "asymmetric": ("floor",), "half_pixel": _ROUNDED, "pytorch_half_pixel": _ROUNDED,
}  # fmt: skip
"""Coordinates to roundings. At whole scales, half_pixel is never half-way between two pixels."""


def check(site: Site) -> str | None:
    """None where it applies."""
    if site.attribute("mode", "nearest") != "nearest":
        return "not mode nearest"
    if site.node.op_type == "Resize" and site.opset >= 11:
        how = site.attribute("coordinate_transformation_mode", "half_pixel")
        rounding = site.attribute("nearest_mode", "round_prefer_floor")
        if rounding not in _REPEATING.get(how, ()):
            return f"{how} with {rounding} doesn't just repeat pixels"
    if _scales(site) is None:
        return "not rank 4 with whole scales of height and width"
    return needs_float(site)


def _scales(site: Site) -> tuple[int, int] | None:
    """How often each pixel is repeated along height and width."""
    shape, out = static_shape(site.input(0)), static_shape(site.output)
    if shape is None or out is None or len(shape) != _RANK or shape[:2] != out[:2]:
        return None
    sizes = list(zip(shape[2:], out[2:], strict=True))
    if any(old < 1 or new % old for old, new in sizes):
        return None
    down, right = (new // old for old, new in sizes)
    return (down, right) if down * right > 1 else None


def rewrite(site: Site, tape: Tape) -> ir.Value:
    """ConvTranspose without overlap."""
    x, shape, scales = site.input(0), static_shape(site.input(0)), _scales(site)
    assert shape is not None
    assert scales is not None
    ones = tape.constant(np.ones((shape[1], 1, *scales)), x)
    return tape.op(
        "ConvTranspose", x, ones, group=shape[1], strides=list(scales), kernel_shape=list(scales)
    )


RULE = Rule(
    name="resize-repeat", ops=("Resize", "Upsample"), makes="a depthwise ConvTranspose of ones",
    exactness="rounding", check=check, rewrite=rewrite,
)  # fmt: skip
