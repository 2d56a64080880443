"""InstanceNormalization to primitives over the spatial axes, per sample and channel.

Handled: rank 3 and more, stored scale and bias, every epsilon.
Refused: scale or bias known only at run time, unknown shapes, float16 (computed in float32 inside).
"""

import numpy as np
import onnx_ir as ir

from hetsched.convert.rules.rule import Rule, Site, needs_float, static_shape, stored
from hetsched.convert.rules.tape import Tape


def check(site: Site) -> str | None:
    """None where it applies."""
    shape = static_shape(site.input(0))
    if shape is None or len(shape) < 3:
        return "the input's spatial axes aren't known"
    if stored(site.input(1)) is None or stored(site.input(2)) is None:
        return "its scale or bias isn't stored"
    if site.input(0).dtype == ir.DataType.FLOAT16:
        return "it computes in float32 inside"
    return needs_float(site)


def rewrite(site: Site, tape: Tape) -> ir.Value:
    """ReduceMean, Sub, Mul, ReduceMean, Add, Sqrt, Div, Mul, Add."""
    x, shape = site.input(0), static_shape(site.input(0))
    assert shape is not None
    axes = list(range(2, len(shape)))
    centred = tape.op("Sub", x, tape.reduce("ReduceMean", x, axes))
    variance = tape.reduce("ReduceMean", tape.op("Mul", centred, centred), axes)
    stable = tape.op("Add", variance, tape.number(site.attribute("epsilon", 1e-5), x))
    normal = tape.op("Div", centred, tape.op("Sqrt", stable))
    scaled = tape.op("Mul", normal, _per_channel(site, tape, 1, len(axes)))
    return tape.op("Add", scaled, _per_channel(site, tape, 2, len(axes)))


def _per_channel(site: Site, tape: Tape, index: int, spatial: int) -> ir.Value:
    value = stored(site.input(index))
    assert value is not None
    return tape.constant(np.reshape(value, (1, -1, *(1,) * spatial)))


RULE = Rule(
    name="instance-norm", ops=("InstanceNormalization",),
    makes="ReduceMean, Sub, Mul, Add, Sqrt, Div",
    exactness="rounding", check=check, rewrite=rewrite,
)  # fmt: skip
