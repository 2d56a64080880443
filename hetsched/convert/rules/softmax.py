"""Softmax and LogSoftmax to primitives that don't overflow.

With z = x - max(x): exp(z) / sum(exp(z)), and z - log(sum(exp(z))).

Handled: one axis; before opset 13 the axis up to the end, if at most one of these dimensions
is over 1.
Refused: before opset 13 several dimensions at once, unknown shapes, other dtypes than floats.
"""

import onnx_ir as ir

from hetsched.convert.rules.rule import Rule, Site, needs_float, static_shape
from hetsched.convert.rules.tape import Tape

_ONE_AXIS = 13
"""Opset since which the axis is one axis. Source: Softmax-13 of ONNX."""


def axis_of(site: Site) -> int | None:
    """The one axis that it goes over, counted from the front; None where there are several."""
    shape = static_shape(site.input(0))
    if not shape:
        return None
    if site.opset >= _ONE_AXIS:
        return int(site.attribute("axis", -1)) % len(shape)
    first = int(site.attribute("axis", 1)) % len(shape)
    wide = [axis for axis in range(first, len(shape)) if shape[axis] > 1]
    return None if len(wide) > 1 else (wide or [first])[0]


def check(site: Site) -> str | None:
    """None where it applies."""
    if axis_of(site) is None:
        return "it goes over several axes, or its shape isn't known"
    return needs_float(site)


def rewrite(site: Site, tape: Tape) -> ir.Value:
    """ReduceMax, Sub, Exp, ReduceSum, Div or Log and Sub."""
    x, axis = site.input(0), axis_of(site)
    assert axis is not None
    moved = tape.op("Sub", x, tape.reduce("ReduceMax", x, [axis]))
    powers = tape.op("Exp", moved)
    total = tape.reduce("ReduceSum", powers, [axis])
    if site.node.op_type == "Softmax":
        return tape.op("Div", powers, total)
    return tape.op("Sub", moved, tape.op("Log", total))


RULE = Rule(
    name="softmax", ops=("Softmax", "LogSoftmax"), makes="ReduceMax, Sub, Exp, ReduceSum, Div",
    exactness="rounding", check=check, rewrite=rewrite,
)  # fmt: skip
