"""A strided convolution to one of stride 1 whose outputs are picked by a MaxPool of one place.

It computes what it then throws away: stride times as much along each axis. See `conv-stride-depth`.

Handled: every stride over 1, pad, dilation, group and rank.
Refused: stride 1, `auto_pad` SAME, weights known only at run time, unknown shapes.
"""

import onnx_ir as ir

from hetsched.convert.rules import convolution, forms
from hetsched.convert.rules.rule import Rule, Site, known_shape
from hetsched.convert.rules.tape import Tape


def check(site: Site) -> str | None:
    """None where it applies."""
    if (why := convolution.reason(site)) is not None:
        return why
    strided = any(stride > 1 for stride in convolution.window(site).strides)
    return None if strided else "its stride is 1"


def rewrite(site: Site, tape: Tape) -> ir.Value:
    """Conv, MaxPool with a kernel of 1."""
    found, out = convolution.window(site), known_shape(site.output)
    ones = [1] * len(found.strides)
    value = tape.op(
        "Conv", site.input(0), site.input(1), *convolution.bias(site),
        **(site.attributes | {"strides": ones}),
    )  # fmt: skip
    value = tape.op("MaxPool", value, kernel_shape=ones, strides=list(found.strides))
    for axis, size in enumerate(out[2:], start=2):
        value = forms.cut_axis(tape, value, axis, 0, size)
    return value


RULE = Rule(
    name="conv-stride", ops=("Conv",), makes="Conv of stride 1, MaxPool of one place",
    exactness="rounding", check=check, rewrite=rewrite,
)  # fmt: skip
