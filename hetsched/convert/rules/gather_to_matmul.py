"""Gather of stored indices along one of the last two axes to MatMul with a matrix of 0 and 1.

Handled: rank 2 and more, floats; a Reshape where the indices aren't a vector.
Refused: other axes, indices known only at run time, matrices of over a million numbers.
Equal for all numbers, but 0 times infinity is NaN.
"""

import numpy as np
import onnx_ir as ir

from hetsched.convert.rules import forms, picking
from hetsched.convert.rules.rule import Rule, Site, known_shape, needs_float
from hetsched.convert.rules.tape import Tape

_MAX_SIZE = 1_000_000


def check(site: Site) -> str | None:
    """None where it applies."""
    places = picking.gather_places(site)
    if places is None:
        return "its indices aren't stored, or its shape isn't known"
    shape, axis = known_shape(site.input(0)), picking.gather_axis(site)
    if len(shape) < 2 or axis < len(shape) - 2:
        return "not one of the last two axes"
    if (size := len(places) * shape[axis]) > _MAX_SIZE:
        return f"its matrix would have {size} numbers"
    return needs_float(site)


def rewrite(site: Site, tape: Tape) -> ir.Value:
    """MatMul from the left or the right, Reshape where the shape differs."""
    x, places, axis = site.input(0), picking.gather_places(site), picking.gather_axis(site)
    assert places is not None
    shape = known_shape(x)
    rows = np.eye(shape[axis])[places]
    if axis == len(shape) - 1:
        value = tape.op("MatMul", x, tape.constant(rows.T, x))
    else:
        value = tape.op("MatMul", tape.constant(rows, x), x)
    return forms.reshape(tape, value, known_shape(site.output))


RULE = Rule(
    name="gather-to-matmul", ops=("Gather",), makes="MatMul with a matrix of 0 and 1",
    exactness="rounding", check=check, rewrite=rewrite,
)  # fmt: skip
