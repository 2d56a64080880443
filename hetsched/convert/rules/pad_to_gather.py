"""Pad of modes edge, reflect and wrap to Gather of stored indices, axis by axis.

Handled: any stored pads, negative ones too, any rank and dtype.
Refused: mode constant (see `pad-to-concat`), pads known only at run time, unknown shapes,
reflections and wraps of more than the axis.
"""

import numpy as np
import onnx_ir as ir

from hetsched.convert.rules import padding
from hetsched.convert.rules.rule import Rule, Site, known_shape
from hetsched.convert.rules.tape import Tape


def check(site: Site) -> str | None:
    """None where it applies."""
    if padding.mode_of(site) == "constant":
        return "mode constant"
    if (why := padding.reason(site)) is not None:
        return why
    room = 1 if padding.mode_of(site) == "reflect" else 0
    pairs = zip(known_shape(site.input(0)), padding.pads_of(site), strict=True)
    if padding.mode_of(site) != "edge" and any(max(pads) > size - room for size, pads in pairs):
        return "it adds more than the axis has"
    return None


def _picked(mode: str, size: int, before: int, after: int) -> np.ndarray:
    """Which place each output reads. Source: Pad-19 of ONNX."""
    places = np.arange(-before, size + after)
    if mode == "edge":
        return np.clip(places, 0, size - 1)
    if mode == "wrap":
        return places % size
    folded = np.abs(places)  # a reflection at the start, then one at the end
    return np.asarray(size - 1 - np.abs(size - 1 - folded))


def rewrite(site: Site, tape: Tape) -> ir.Value:
    """A Gather per padded axis."""
    value = site.input(0)
    for axis, (before, after) in enumerate(padding.pads_of(site)):
        if before or after:
            size = known_shape(value)[axis]
            picked = _picked(padding.mode_of(site), size, before, after)
            value = tape.op("Gather", value, tape.integers(*picked), axis=axis)
    return value


RULE = Rule(
    name="pad-to-gather", ops=("Pad",), makes="a Gather per axis",
    exactness="exact", check=check, rewrite=rewrite,
)  # fmt: skip
