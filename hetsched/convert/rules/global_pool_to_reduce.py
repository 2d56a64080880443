"""GlobalAveragePool to ReduceMean, GlobalMaxPool to ReduceMax.

Handled: any number of spatial axes.
Refused: shapes that aren't known, other dtypes than floats.
"""

import onnx_ir as ir

from hetsched.convert.rules.rule import Rule, Site, needs_float, static_shape
from hetsched.convert.rules.tape import Tape


def check(site: Site) -> str | None:
    """None where it applies."""
    shape = static_shape(site.input(0))
    if shape is None or len(shape) < 3:
        return "the input's spatial axes aren't known"
    return needs_float(site)


def rewrite(site: Site, tape: Tape) -> ir.Value:
    """A reduction over all spatial axes."""
    kind = "ReduceMean" if site.node.op_type == "GlobalAveragePool" else "ReduceMax"
    shape = static_shape(site.input(0))
    assert shape is not None
    return tape.reduce(kind, site.input(0), range(2, len(shape)))


RULE = Rule(
    name="global-pool-to-reduce", ops=("GlobalAveragePool", "GlobalMaxPool"),
    makes="ReduceMean, ReduceMax", exactness="rounding", check=check, rewrite=rewrite,
)  # fmt: skip
