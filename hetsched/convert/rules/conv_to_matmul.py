"""A 1x1 Conv to Reshape, MatMul, Add, Reshape: the weights from the left.

Handled: any number of spatial axes, strides 1, no pads, one group, with or without bias.
Refused: other kernels, strides, pads and groups, weights known only at run time.
"""

import math

import numpy as np
import onnx_ir as ir

from hetsched.convert.rules.rule import Rule, Site, needs_float, static_shape, stored
from hetsched.convert.rules.tape import Tape


def check(site: Site) -> str | None:
    """None where it applies."""
    weights = stored(site.input(1))
    if weights is None:
        return "the weights aren't stored"
    if math.prod(weights.shape[2:]) != 1 or site.attribute("group", 1) != 1:
        return "not a 1x1 convolution of one group"
    if set(site.attribute("strides", [1])) != {1} or any(site.attribute("pads", [0])):
        return "it has strides or pads"
    if static_shape(site.input(0)) is None:
        return "its shape isn't known"
    bias = site.optional(2)
    if bias is not None and stored(bias) is None:
        return "the bias isn't stored"
    return needs_float(site)


def rewrite(site: Site, tape: Tape) -> ir.Value:
    """[made, taken] x [batch, taken, pixels]."""
    weights, shape = stored(site.input(1)), static_shape(site.input(0))
    assert weights is not None
    assert shape is not None
    flat = tape.reshape(site.input(0), (*shape[:2], math.prod(shape[2:])))
    value = tape.op("MatMul", tape.constant(weights.reshape(weights.shape[:2])), flat)
    bias_value = site.optional(2)
    bias = None if bias_value is None else stored(bias_value)
    if bias is not None:
        value = tape.op("Add", value, tape.constant(np.reshape(bias, (1, -1, 1))))
    return tape.reshape(value, (shape[0], weights.shape[0], *shape[2:]))


RULE = Rule(
    name="conv-to-matmul", ops=("Conv",), makes="Reshape, MatMul, Add, Reshape",
    exactness="rounding", check=check, rewrite=rewrite,
)  # fmt: skip
