"""ReduceMean to ReduceSum and back: they differ by how many numbers they go over.

Handled: stored axes or all of them, with or without kept dimensions.
Refused: axes known only at run time, unknown shapes, other dtypes than float32 and float64 (float16
would overflow, integer means are cut off).
"""

from math import prod

import onnx_ir as ir

from hetsched.convert.rules import forms, reducing
from hetsched.convert.rules.rule import Rule, Site, known_shape, needs_float
from hetsched.convert.rules.tape import Tape


def check(site: Site) -> str | None:
    """None where it applies."""
    if (why := reducing.reason(site)) is not None:
        return why
    if site.input(0).dtype == ir.DataType.FLOAT16:
        return "its sums in float16 would overflow"
    return needs_float(site)


def rewrite(site: Site, tape: Tape) -> ir.Value:
    """The other reduction, Mul, Reshape where dimensions are dropped."""
    axes, shape = reducing.known_axes(site), known_shape(site.input(0))
    count, is_mean = prod(shape[axis] for axis in axes), site.node.op_type == "ReduceMean"
    other = "ReduceSum" if is_mean else "ReduceMean"
    value = forms.scaled(
        tape, tape.reduce(other, site.input(0), axes), 1 / count if is_mean else count
    )
    return forms.reshape(tape, value, known_shape(site.output))


RULE = Rule(
    name="reduce-mean-sum", ops=("ReduceMean", "ReduceSum"), makes="ReduceSum or ReduceMean, Mul",
    exactness="rounding", check=check, rewrite=rewrite,
)  # fmt: skip
