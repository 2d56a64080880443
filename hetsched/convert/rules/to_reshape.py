"""Squeeze, Unsqueeze and Flatten to Reshape.

Handled: known output shapes, any dtype.
Refused: unknown shapes; shapes with a dimension of 0, which Reshape reads as "copy it".
"""

import onnx_ir as ir

from hetsched.convert.rules.rule import Rule, Site, static_shape
from hetsched.convert.rules.tape import Tape


def check(site: Site) -> str | None:
    """None where it applies."""
    shape = static_shape(site.output)
    if shape is None:
        return "its shape isn't known"
    return "a dimension is 0" if 0 in shape else None


def rewrite(site: Site, tape: Tape) -> ir.Value:
    """Reshape to a stored shape."""
    shape = static_shape(site.output)
    assert shape is not None
    return tape.reshape(site.input(0), shape)


RULE = Rule(
    name="to-reshape", ops=("Squeeze", "Unsqueeze", "Flatten"), makes="Reshape",
    exactness="exact", check=check, rewrite=rewrite,
)  # fmt: skip
