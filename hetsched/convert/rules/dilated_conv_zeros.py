"""A dilated convolution to a plain one whose kernel has zeros in between.

It multiplies by these zeros too: d^2 times as often for dilation d in two dimensions.

Handled: every dilation, stride, pad and group, any rank, stored weights.
Refused: weights known only at run time, `auto_pad` SAME, unknown shapes.
"""

import numpy as np
import onnx_ir as ir

from hetsched.convert.rules import convolution
from hetsched.convert.rules.rule import Rule, Site, known_value
from hetsched.convert.rules.tape import Tape


def check(site: Site) -> str | None:
    """None where it applies."""
    if (why := convolution.reason(site)) is not None:
        return why
    is_plain = all(dilation == 1 for dilation in convolution.window(site).dilations)
    return "it isn't dilated" if is_plain else None


def rewrite(site: Site, tape: Tape) -> ir.Value:
    """Conv with a wider kernel."""
    weights, found = known_value(site.input(1)), convolution.window(site)
    pairs = list(zip(found.kernel, found.dilations, strict=True))
    sizes = [(taps - 1) * dilation + 1 for taps, dilation in pairs]
    full = np.zeros((*weights.shape[:2], *sizes), weights.dtype)
    places = tuple(slice(None, None, dilation) for dilation in found.dilations)
    full[(slice(None), slice(None), *places)] = weights
    attributes = site.attributes | {"dilations": [1] * len(sizes), "kernel_shape": sizes}
    return tape.op(
        "Conv", site.input(0), tape.constant(full), *convolution.bias(site), **attributes
    )


RULE = Rule(
    name="dilated-conv-zeros", ops=("Conv",), makes="Conv with zeros in its kernel",
    exactness="rounding", check=check, rewrite=rewrite,
)  # fmt: skip
