"""Means, sums and maxima over neighbouring axes to pooling: [1, before, reduced, after].

Handled: ReduceMean, ReduceSum (times how many there are) and ReduceMax over axes that follow each
other; with or without kept dimensions.
Refused: axes with others between them, or only known at run time; unknown shapes; other dtypes than
float32 and float64.
"""

from math import prod

import onnx_ir as ir

from hetsched.convert.rules import forms, reduce_mean_sum, reducing
from hetsched.convert.rules.rule import Rule, Site, known_shape
from hetsched.convert.rules.tape import Tape


def check(site: Site) -> str | None:
    """None where it applies."""
    if (why := reduce_mean_sum.check(site)) is not None:
        return why
    axes = reducing.known_axes(site)
    return None if axes[-1] - axes[0] + 1 == len(axes) else "its axes have others between them"


def rewrite(site: Site, tape: Tape) -> ir.Value:
    """Reshape, AveragePool or MaxPool over the height, Reshape."""
    shape, axes = known_shape(site.input(0)), reducing.known_axes(site)
    count = prod(shape[axis] for axis in axes)
    flat = (1, prod(shape[: axes[0]]), count, prod(shape[axes[-1] + 1 :]))
    kind = "MaxPool" if site.node.op_type == "ReduceMax" else "AveragePool"
    value = tape.op(kind, forms.reshape(tape, site.input(0), flat), kernel_shape=[count, 1])
    if site.node.op_type == "ReduceSum":
        value = forms.scaled(tape, value, count)
    return forms.reshape(tape, value, known_shape(site.output))


RULE = Rule(
    name="reduce-to-pool", ops=("ReduceMean", "ReduceSum", "ReduceMax"),
    makes="Reshape, AveragePool or MaxPool, Reshape",
    exactness="rounding", check=check, rewrite=rewrite,
)  # fmt: skip
