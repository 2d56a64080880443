"""ArgMax to ReduceMax, Equal, Cast, and a ramp whose largest marked number is the place.

Where x equals its maximum, the ramp counts down from n, so that the first of equal ones is largest;
for the last of equal ones it counts up from 1.

Handled: floats and int32; every axis, with or without kept dimensions, first or last of equal
ones; opset 11 and later, since when Equal takes floats.
Refused: axes of over 2^24 places, which float32 can't count; other dtypes; unknown shapes. NaN
isn't looked for.
"""

import numpy as np
import onnx
import onnx_ir as ir

from hetsched.convert.rules import forms
from hetsched.convert.rules.rule import FLOATS, Rule, Site, known_shape, static_shape
from hetsched.convert.rules.tape import Tape

_EQUAL_FLOATS = 11
_LARGEST = 2**24


def check(site: Site) -> str | None:
    """None where it applies."""
    if site.opset < _EQUAL_FLOATS:
        return f"Equal takes floats from opset {_EQUAL_FLOATS} on"
    if static_shape(site.input(0)) is None or static_shape(site.output) is None:
        return "its shape isn't known"
    if max(known_shape(site.input(0)), default=0) >= _LARGEST:
        return "float32 can't count its places"
    if site.input(0).dtype not in (*FLOATS, ir.DataType.INT32):
        return f"{site.input(0).dtype} isn't compared everywhere"
    return None if known_shape(site.input(0)) else "it's a scalar"


def rewrite(site: Site, tape: Tape) -> ir.Value:
    """ReduceMax, Equal, Cast, Mul, ReduceMax, Add, Cast, Reshape."""
    x, shape = site.input(0), known_shape(site.input(0))
    axis, is_last = int(site.attribute("axis", 0)) % len(shape), site.attribute(
        "select_last_index", 0
    )  # fmt: skip
    size = shape[axis]
    equal = tape.op("Equal", x, tape.reduce("ReduceMax", x, [axis]))
    mask = tape.op("Cast", equal, to=onnx.TensorProto.FLOAT)
    ramp = np.arange(1, size + 1) if is_last else np.arange(size, 0, -1)
    dims = [1] * len(shape)
    dims[axis] = size
    marked = tape.op("Mul", mask, tape.constant(ramp.reshape(dims), mask))
    place = tape.reduce("ReduceMax", marked, [axis])
    if not is_last:
        place = tape.op("Neg", place)
    moved = forms.moved(tape, place, -1 if is_last else size)
    return forms.reshape(
        tape, tape.op("Cast", moved, to=onnx.TensorProto.INT64), known_shape(site.output)
    )


RULE = Rule(
    name="argmax-to-reduce", ops=("ArgMax",),
    makes="ReduceMax, Equal, Cast, Mul, ReduceMax, Neg, Add, Cast",
    exactness="exact", check=check, rewrite=rewrite,
)  # fmt: skip
