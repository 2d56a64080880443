"""A reduction that drops dimensions: one that keeps them, and a Reshape.

Handled: all reductions over known shapes.
Refused: reductions that keep their dimensions already, unknown shapes.
"""

import onnx_ir as ir

from hetsched.convert.rules.rule import Rule, Site, static_shape
from hetsched.convert.rules.tape import Tape


def check(site: Site) -> str | None:
    """None where it applies."""
    if site.attribute("keepdims", 1):
        return "it keeps its dimensions already"
    return None if static_shape(site.output) is not None else "its shape isn't known"


def rewrite(site: Site, tape: Tape) -> ir.Value:
    """The same reduction, then Reshape."""
    shape = static_shape(site.output)
    assert shape is not None
    attributes = {name: found.value for name, found in site.node.attributes.items()}
    kept = tape.op(site.node.op_type, *site.node.inputs, **(attributes | {"keepdims": 1}))
    return tape.reshape(kept, shape)


RULE = Rule(
    name="reduce-keepdims",
    ops=("ReduceMax", "ReduceMean", "ReduceMin", "ReduceProd", "ReduceSum", "ArgMax", "ArgMin"),
    makes="the reduction with kept dimensions, Reshape",
    exactness="exact", check=check, rewrite=rewrite,
)  # fmt: skip
