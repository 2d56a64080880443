"""GlobalAveragePool to AveragePool, GlobalMaxPool to MaxPool, with a kernel as large as the input.

Handled: two spatial axes of known size.
Refused: other ranks, unknown sizes, other dtypes than floats.
"""

import onnx_ir as ir

from hetsched.convert.rules.rule import Rule, Site, needs_float, static_shape
from hetsched.convert.rules.tape import Tape

_RANK = 4


def check(site: Site) -> str | None:
    """None where it applies."""
    shape = static_shape(site.input(0))
    if shape is None or len(shape) != _RANK:
        return "not two spatial axes of known size"
    return needs_float(site)


def rewrite(site: Site, tape: Tape) -> ir.Value:
    """Pooling over everything."""
    kind = "AveragePool" if site.node.op_type == "GlobalAveragePool" else "MaxPool"
    shape = static_shape(site.input(0))
    assert shape is not None
    return tape.op(kind, site.input(0), kernel_shape=list(shape[2:]))


RULE = Rule(
    name="global-pool-to-pool", ops=("GlobalAveragePool", "GlobalMaxPool"),
    makes="AveragePool, MaxPool", exactness="rounding", check=check, rewrite=rewrite,
)  # fmt: skip
