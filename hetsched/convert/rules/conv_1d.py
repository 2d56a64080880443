"""A 1-D convolution as a 2-D one of height 1, between Reshapes.

Handled: strides, pads, dilations, groups, stored weights, with or without bias.
Refused: other ranks, `auto_pad` SAME, weights known only at run time, unknown shapes.
"""

import numpy as np
import onnx_ir as ir

from hetsched.convert.rules.rule import Rule, Site, needs_float, static_shape, stored
from hetsched.convert.rules.tape import Tape

_RANK = 3


def check(site: Site) -> str | None:
    """None where it applies."""
    shape = static_shape(site.input(0))
    if shape is None or len(shape) != _RANK or static_shape(site.output) is None:
        return "not one spatial axis of known size"
    if stored(site.input(1)) is None:
        return "the weights aren't stored"
    if site.attribute("auto_pad", "NOTSET") not in ("NOTSET", "VALID"):
        return "auto_pad SAME"
    return needs_float(site)


def rewrite(site: Site, tape: Tape) -> ir.Value:
    """Reshape, Conv, Reshape."""
    x, shape, out = site.input(0), static_shape(site.input(0)), static_shape(site.output)
    weights = stored(site.input(1))
    assert shape is not None
    assert out is not None
    assert weights is not None
    before, after = site.attribute("pads", [0, 0])
    inputs = [tape.reshape(x, (*shape[:2], 1, shape[2])), tape.constant(np.expand_dims(weights, 2))]
    bias = site.optional(2)
    value = tape.op(
        "Conv", *inputs, *([] if bias is None else [bias]),
        group=site.attribute("group", 1), pads=[0, before, 0, after],
        strides=[1, *site.attribute("strides", [1])],
        dilations=[1, *site.attribute("dilations", [1])],
        kernel_shape=[1, weights.shape[2]],
    )  # fmt: skip
    return tape.reshape(value, out)


RULE = Rule(
    name="conv-1d", ops=("Conv",), makes="Reshape, 2-D Conv, Reshape",
    exactness="rounding", check=check, rewrite=rewrite,
)  # fmt: skip
