"""Softmax and LogSoftmax over several axes at once: over one, between two Reshapes.

Before opset 13 they go over the axis and all that follow it.

Handled: opsets before 13, known shapes.
Refused: opset 13 and later, and a single axis; see `softmax`.
"""

from math import prod

import onnx_ir as ir

from hetsched.convert.rules.rule import Rule, Site, known_shape, static_shape
from hetsched.convert.rules.softmax import axis_of
from hetsched.convert.rules.tape import Tape


def check(site: Site) -> str | None:
    """None where it applies."""
    if not static_shape(site.input(0)):
        return "its shape isn't known"
    return "it goes over one axis" if axis_of(site) is not None else None


def rewrite(site: Site, tape: Tape) -> ir.Value:
    """Reshape to two dimensions, Softmax, Reshape."""
    shape = known_shape(site.input(0))
    first = int(site.attribute("axis", 1)) % len(shape)
    flat = tape.reshape(site.input(0), (prod(shape[:first]), prod(shape[first:])))
    return tape.reshape(tape.op(site.node.op_type, flat, axis=1), shape)


RULE = Rule(
    name="softmax-flat", ops=("Softmax", "LogSoftmax"), makes="Reshape, Softmax, Reshape",
    exactness="rounding", check=check, rewrite=rewrite,
)  # fmt: skip
