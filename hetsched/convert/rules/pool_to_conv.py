"""AveragePool to a depthwise Conv with equal weights.

Handled: any rank, stride and pads, if padded zeros count (`count_include_pad`) or there are none.
Refused: pads that don't count, `ceil_mode`, `auto_pad` SAME, unknown shapes.
"""

from math import prod

import numpy as np
import onnx_ir as ir

from hetsched.convert.rules import convolution
from hetsched.convert.rules.rule import Rule, Site, known_shape
from hetsched.convert.rules.tape import Tape


def check(site: Site) -> str | None:
    """None where it applies."""
    if (why := convolution.reason(site)) is not None:
        return why
    if site.attribute("ceil_mode", 0):
        return "ceil_mode"
    pads = any(convolution.window(site).pads)
    return "pads that don't count" if pads and not site.attribute("count_include_pad", 0) else None


def rewrite(site: Site, tape: Tape) -> ir.Value:
    """Conv with one group per channel."""
    x, found = site.input(0), convolution.window(site)
    channels = known_shape(x)[1]
    weights = np.full((channels, 1, *found.kernel), 1 / prod(found.kernel))
    return tape.op(
        "Conv", x, tape.constant(weights, x), group=channels, kernel_shape=list(found.kernel),
        strides=list(found.strides), dilations=list(found.dilations), pads=found.pads,
    )  # fmt: skip


RULE = Rule(
    name="pool-to-conv", ops=("AveragePool",), makes="a depthwise Conv with equal weights",
    exactness="rounding", check=check, rewrite=rewrite,
)  # fmt: skip
