"""Softmax and LogSoftmax over an inner axis: over the last one, between two Transposes.

Handled: one axis that isn't the last, see `softmax`.
Refused: the last axis, several axes, unknown shapes.
"""

import onnx_ir as ir

from hetsched.convert.rules.rule import Rule, Site, static_shape
from hetsched.convert.rules.softmax import axis_of
from hetsched.convert.rules.tape import Tape


def check(site: Site) -> str | None:
    """None where it applies."""
    axis, shape = axis_of(site), static_shape(site.input(0))
    if axis is None or shape is None:
        return "it goes over several axes, or its shape isn't known"
    return "it goes over the last axis already" if axis == len(shape) - 1 else None


def rewrite(site: Site, tape: Tape) -> ir.Value:
    """The axis changes places with the last one, and back."""
    axis, shape = axis_of(site), static_shape(site.input(0))
    assert axis is not None
    assert shape is not None
    last = len(shape) - 1
    order = list(range(len(shape)))
    order[axis], order[last] = last, axis
    turned = tape.op("Transpose", site.input(0), perm=order)
    return tape.op("Transpose", tape.op(site.node.op_type, turned, axis=last), perm=order)


RULE = Rule(
    name="softmax-axis", ops=("Softmax", "LogSoftmax"), makes="Transpose, Softmax, Transpose",
    exactness="rounding", check=check, rewrite=rewrite,
)  # fmt: skip
