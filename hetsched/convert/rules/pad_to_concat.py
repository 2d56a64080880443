"""Pad of mode constant to Concat with stored constants, axis by axis; negative pads to Slice.

Handled: any stored value, pad and rank, every dtype.
Refused: other modes (see `pad-to-gather`), pads or values known only at run time, unknown shapes.
"""

import numpy as np
import onnx_ir as ir

from hetsched.convert.rules import forms, padding
from hetsched.convert.rules.rule import Rule, Site, known_shape
from hetsched.convert.rules.tape import Tape


def check(site: Site) -> str | None:
    """None where it applies."""
    if padding.mode_of(site) != "constant":
        return f"mode {padding.mode_of(site)}"
    if padding.fill(site) is None:
        return "its value isn't stored"
    return padding.reason(site)


def rewrite(site: Site, tape: Tape) -> ir.Value:
    """Slice where asked for, then Concat per axis."""
    value, number = site.input(0), padding.fill(site)
    assert number is not None
    for axis, (before, after) in enumerate(padding.pads_of(site)):
        shape = list(known_shape(value))
        value = forms.cut_axis(tape, value, axis, max(0, -before), shape[axis] - max(0, -after))
        parts = [value]
        for place, count in ((0, before), (len(parts), after)):
            if count > 0:
                shape[axis] = count
                block = tape.constant(np.broadcast_to(number, shape), site.input(0))
                parts.insert(place if place == 0 else len(parts), block)
        value = forms.concat(tape, parts, axis)
    return value


RULE = Rule(
    name="pad-to-concat", ops=("Pad",), makes="Concat with stored constants, Slice",
    exactness="exact", check=check, rewrite=rewrite,
)  # fmt: skip
