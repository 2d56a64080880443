"""Ops that hand on their input are removed: Identity, Dropout, Cast to the same dtype, and more.

Handled: Identity; Dropout outside of training; Cast to the same dtype, or back to the dtype from
which another Cast came without loss; Transpose that keeps the order; Reshape, Squeeze, Unsqueeze,
Flatten, Expand and Tile to the same shape; Pad by nothing; Slice of everything; Concat, Sum, Max,
Min and Mean of one tensor; Mul and Div by a stored 1, Add and Sub of a stored 0.
Refused: everything else, masks that are read, and outputs of the model that would lose their op.
"""

import numpy as np
import onnx_ir as ir

from hetsched.convert.rules import picking, ranges
from hetsched.convert.rules.rule import FLOATS, Rule, Site, static_shape, stored
from hetsched.convert.rules.tape import Tape


def check(site: Site) -> str | None:
    """None where it applies."""
    return None if _is_void(site) else "it isn't void"


_ONE_INPUT = frozenset({"Concat", "Sum", "Max", "Min", "Mean"})
_SAME_SHAPE = frozenset({"Reshape", "Squeeze", "Unsqueeze", "Flatten", "Expand", "Tile"})
_NEUTRAL = {"Mul": 1, "Div": 1, "Add": 0, "Sub": 0}
"""Second operands that change nothing."""


def _is_void(site: Site) -> bool:
    kind = site.node.op_type
    if kind == "Identity":
        return True
    if kind == "Dropout":
        return _is_off(site)
    if kind == "Cast":
        return _source_of_cast(site) is not None
    if kind in _ONE_INPUT:
        return len(site.node.inputs) == 1
    if kind == "Transpose":
        order = site.attribute("perm")
        return order is not None and list(order) == sorted(order)
    if not _keeps_shape(site):
        return False
    if kind == "Pad":
        pads = site.parameter("pads", 1)
        return pads is not None and not np.any(pads)
    if kind == "Slice":
        return _takes_all(site)
    return kind in _SAME_SHAPE or _neutral_operand(site) is not None


def _is_off(site: Site) -> bool:
    """Whether a Dropout drops nothing, and nobody reads what it drops."""
    training = site.optional(2)
    flag = None if training is None else stored(training)
    is_off = training is None or (flag is not None and not flag.any())
    return is_off and not site.more_is_read


def _keeps_shape(site: Site) -> bool:
    shape = static_shape(site.output)
    if site.node.op_type in _NEUTRAL:
        found = _neutral_operand(site)
        return found is not None and shape is not None and static_shape(found) == shape
    return shape is not None and static_shape(site.input(0)) == shape


def _takes_all(site: Site) -> bool:
    if picking.slice_reason(site) is not None:
        return False
    shape = static_shape(site.input(0))
    assert shape is not None
    return all(found == range(shape[axis]) for axis, found in picking.slice_ranges(site).items())


def _neutral_operand(site: Site) -> ir.Value | None:
    """The operand that a Mul, Div, Add or Sub hands on, None when it computes something."""
    number = _NEUTRAL.get(site.node.op_type)
    if number is None:
        return None
    orders = ((0, 1), (1, 0)) if site.node.op_type in ("Mul", "Add") else ((0, 1),)
    for kept, other in orders:
        known = stored(site.input(other))
        if known is not None and known.size and bool((known == number).all()):
            return site.input(kept)
    return None


def _source_of_cast(site: Site) -> ir.Value | None:
    """What a Cast, after another one perhaps, hands on; None when it changes something."""
    source, wanted = site.input(0), site.output.dtype
    if source.dtype is not None and source.dtype == wanted:
        return source
    maker = source.producer()
    if maker is None or maker.op_type != "Cast" or maker.domain != "":
        return None
    first = maker.inputs[0]
    if first is None or first.dtype is None or first.dtype != wanted or source.dtype is None:
        return None
    return first if _keeps_numbers(first, source.dtype) else None


_WIDER = {
    ir.DataType.FLOAT16: {ir.DataType.FLOAT, ir.DataType.DOUBLE},
    ir.DataType.FLOAT: {ir.DataType.DOUBLE},
    ir.DataType.BOOL: {*FLOATS, ir.DataType.INT8, ir.DataType.UINT8, ir.DataType.INT32,
                       ir.DataType.INT64},
    ir.DataType.INT8: {*FLOATS, ir.DataType.INT16, ir.DataType.INT32, ir.DataType.INT64},
    ir.DataType.UINT8: {*FLOATS, ir.DataType.INT16, ir.DataType.INT32, ir.DataType.INT64},
    ir.DataType.INT32: {ir.DataType.DOUBLE, ir.DataType.INT64},
}  # fmt: skip
"""Dtypes that hold every number of another one."""


def _keeps_numbers(value: ir.Value, through: ir.DataType) -> bool:
    assert value.dtype is not None
    if through in _WIDER.get(value.dtype, ()):
        return True
    is_narrowed = (value.dtype, through) == (ir.DataType.INT64, ir.DataType.INT32)
    return is_narrowed and ranges.fits(value)


def rewrite(site: Site, tape: Tape) -> ir.Value:  # noqa: ARG001  (a rewrite takes the tape)
    """The input itself."""
    found = _source_of_cast(site) if site.node.op_type == "Cast" else _neutral_operand(site)
    return site.input(0) if found is None else found


RULE = Rule(
    name="void",
    ops=(
        "Identity", "Dropout", "Cast", "Transpose", "Reshape", "Squeeze", "Unsqueeze", "Flatten",
        "Expand", "Tile", "Pad", "Slice", "Concat", "Sum", "Max", "Min", "Mean", "Mul", "Div",
        "Add", "Sub",
    ),
    makes="nothing", exactness="exact", check=check, rewrite=rewrite,
)  # fmt: skip
