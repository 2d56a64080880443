"""GroupNormalization to primitives, over each group's channels and places.

Handled: every number of groups and epsilon; scale and bias stored or known at run time.
Refused: unknown shapes, float16 (computed in float32 inside), other dtypes than floats. The form
of opset 18 was taken out of ONNX: loading refuses it.
"""

from collections.abc import Sequence
from math import prod

import onnx_ir as ir

from hetsched.convert.rules.norms import normalized
from hetsched.convert.rules.rule import Rule, Site, known_shape, needs_float, static_shape, stored
from hetsched.convert.rules.tape import Tape


def check(site: Site) -> str | None:
    """None where it applies."""
    if static_shape(site.input(0)) is None:
        return "its shape isn't known"
    if site.input(0).dtype == ir.DataType.FLOAT16:
        return "it computes in float32 inside"
    return needs_float(site)


def grouped(site: Site) -> tuple[int, int, int]:
    """Samples, groups, and numbers per group."""
    shape, groups = known_shape(site.input(0)), int(site.attribute("num_groups"))
    return shape[0], groups, prod(shape[1:]) // groups


def row(tape: Tape, value: ir.Value, shape: Sequence[int]) -> ir.Value:
    """A vector in another shape, stored where it was."""
    known = stored(value)
    return tape.reshape(value, shape) if known is None else tape.constant(known.reshape(shape))


def rewrite(site: Site, tape: Tape) -> ir.Value:
    """Reshape, ReduceMean, Sub, Mul, ReduceMean, Add, Sqrt, Div, Reshape, Mul, Add."""
    shape, split = known_shape(site.input(0)), grouped(site)
    value = normalized(
        tape, tape.reshape(site.input(0), split), [2], site.attribute("epsilon", 1e-5)
    )
    value = tape.reshape(value, shape)
    dims = (1, shape[1], *(1,) * (len(shape) - 2))
    value = tape.op("Mul", value, row(tape, site.input(1), dims))
    return tape.op("Add", value, row(tape, site.input(2), dims))


RULE = Rule(
    name="group-norm", ops=("GroupNormalization",),
    makes="Reshape, ReduceMean, Sub, Mul, Add, Sqrt, Div",
    exactness="rounding", check=check, rewrite=rewrite,
)  # fmt: skip
