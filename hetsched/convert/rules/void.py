"""Ops that hand on their input are removed: Identity, Dropout, Cast to the same dtype, and more.

Handled: Identity; Dropout outside of training; Cast to the same dtype; Transpose that keeps the
order; Reshape, Expand and Tile to the same shape; Concat and Sum of one tensor.
Refused: everything else, masks that are read, and outputs of the model that would lose their op.
"""

import onnx_ir as ir

from hetsched.convert.rules.rule import Rule, Site, static_shape, stored
from hetsched.convert.rules.tape import Tape


def check(site: Site) -> str | None:
    """None where it applies."""
    return None if _is_void(site) else "it isn't void"


def _is_void(site: Site) -> bool:
    kind, source = site.node.op_type, site.input(0)
    if kind == "Identity":
        return True
    if kind == "Dropout":
        training = site.optional(2)
        flag = None if training is None else stored(training)
        is_off = training is None or (flag is not None and not flag.any())
        return is_off and not any(value.uses() for value in site.node.outputs[1:])
    if kind == "Cast":
        return source.dtype is not None and source.dtype == site.output.dtype
    if kind in ("Concat", "Sum"):
        return len(site.node.inputs) == 1
    same = static_shape(source) is not None and static_shape(source) == static_shape(site.output)
    if kind == "Transpose":
        order = site.attribute("perm")
        return order is not None and list(order) == sorted(order)
    return same


def rewrite(site: Site, tape: Tape) -> ir.Value:  # noqa: ARG001  (a rewrite takes the tape)
    """The input itself."""
    return site.input(0)


RULE = Rule(
    name="void",
    ops=(
        "Identity", "Dropout", "Cast", "Transpose", "Reshape", "Expand", "Tile", "Concat", "Sum",
    ),
    makes="nothing", exactness="exact", check=check, rewrite=rewrite,
)  # fmt: skip
