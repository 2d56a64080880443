"""A stored operand of element-wise ops spelled out: a scalar becomes a tensor.

MACE turns a stored scalar into an attribute, which its APU doesn't take, and its GPU wants stored
operands of rank 1 or 4. Written out over the channels (or the last axis), the values are the same.

Handled: one stored operand of any rank that broadcasts, output of rank 1 to 4 of known shape.
Refused: two stored operands or none, and operands that are spelled out already.
"""

import numpy as np
import onnx_ir as ir

from hetsched.convert.rules.rule import Rule, Site, static_shape, stored
from hetsched.convert.rules.tape import Tape

_MAX_RANK = 4


def check(site: Site) -> str | None:
    """None where it applies."""
    values = [stored(value) for value in site.node.inputs if value is not None]
    if len(values) != 2 or sum(value is not None for value in values) != 1:
        return "not one stored operand of two"
    shape = static_shape(site.output)
    if shape is None or not 1 <= len(shape) <= _MAX_RANK:
        return "the output's shape isn't known, or not of rank 1 to 4"
    known = next(value for value in values if value is not None)
    if _spelled(known, shape).shape == known.shape:
        return "the stored operand is spelled out already"
    return None


def rewrite(site: Site, tape: Tape) -> ir.Value:
    """The same op over the spelled out operand."""
    shape = static_shape(site.output)
    assert shape is not None
    inputs = []
    for value in site.node.inputs:
        assert value is not None
        known = stored(value)
        inputs.append(value if known is None else tape.constant(_spelled(known, shape)))
    return tape.op(site.node.op_type, *inputs)


def _spelled(known: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """The operand at the output's rank, at least over its channels: axis 1, or the only one."""
    full = known.reshape((1,) * (len(shape) - known.ndim) + known.shape)
    if full.size > 1:
        return full
    axis = 1 if len(shape) > 1 else 0
    dims = [1] * len(shape)
    dims[axis] = shape[axis]
    return np.broadcast_to(full, dims)


RULE = Rule(
    name="stored-operand", ops=("Add", "Div", "Max", "Min", "Mul", "Pow", "Sub"),
    makes="the same op with the stored operand spelled out as a tensor",
    exactness="exact", check=check, rewrite=rewrite,
)  # fmt: skip
