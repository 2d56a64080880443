"""ReduceL1, ReduceL2, ReduceSumSquare, ReduceLogSum and ReduceLogSumExp to ReduceSum and more.

LogSumExp subtracts the maximum first, so that nothing overflows.

Handled: stored axes or all of them, with or without kept dimensions.
Refused: axes known only at run time, unknown shapes, empty tensors, other dtypes than floats.
"""

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
    """What goes into the sum, ReduceSum, what follows; Reshape where dimensions are dropped."""
    made = _kept(site, tape, site.input(0), reducing.known_axes(site))
    return forms.reshape(tape, made, known_shape(site.output))


def _kept(site: Site, tape: Tape, x: ir.Value, axes: list[int]) -> ir.Value:
    kind = site.node.op_type
    if kind == "ReduceL1":
        return tape.reduce("ReduceSum", tape.op("Abs", x), axes)
    if kind == "ReduceLogSum":
        return tape.op("Log", tape.reduce("ReduceSum", x, axes))
    if kind == "ReduceLogSumExp":
        largest = tape.reduce("ReduceMax", x, axes)
        powers = tape.op("Exp", tape.op("Sub", x, largest))
        return tape.op("Add", tape.op("Log", tape.reduce("ReduceSum", powers, axes)), largest)
    total = tape.reduce("ReduceSum", tape.op("Mul", x, x), axes)
    return total if kind == "ReduceSumSquare" else tape.op("Sqrt", total)


RULE = Rule(
    name="reduce-norms",
    ops=("ReduceL1", "ReduceL2", "ReduceSumSquare", "ReduceLogSum", "ReduceLogSumExp"),
    makes="Abs, Mul or Exp; ReduceSum; Sqrt or Log",
    exactness="rounding", check=check, rewrite=rewrite,
)  # fmt: skip
