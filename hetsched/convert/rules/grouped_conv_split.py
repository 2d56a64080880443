"""A grouped convolution to Split, one plain convolution per group, Concat.

It multiplies no more often than the grouped one; see `grouped-conv` for one op that does.

Handled: up to 32 groups, every kernel, stride, pad, dilation and rank; stored weights.
Refused: a single group, more groups, weights or bias known only at run time, unknown shapes.
"""

import numpy as np
import onnx_ir as ir

from hetsched.convert.rules import convolution, forms
from hetsched.convert.rules.rule import Rule, Site, known_shape, known_value, stored
from hetsched.convert.rules.tape import Tape

_MOST = 32
"""Groups: each becomes a convolution of its own."""


def check(site: Site) -> str | None:
    """None where it applies."""
    groups = site.attribute("group", 1)
    if groups == 1:
        return "it has one group only"
    if groups > _MOST:
        return f"it has {groups} groups, over {_MOST}"
    if any(stored(value) is None for value in convolution.bias(site)):
        return "the bias isn't stored"
    return convolution.reason(site)


def rewrite(site: Site, tape: Tape) -> ir.Value:
    """Split, Conv per group, Concat."""
    groups = int(site.attribute("group"))
    channels = known_shape(site.input(0))[1] // groups
    parts = forms.split(tape, site.input(0), 1, [channels] * groups)
    weights = np.split(known_value(site.input(1)), groups)
    biases = [np.split(known_value(value), groups) for value in convolution.bias(site)]
    made = [
        tape.op(
            "Conv", part, tape.constant(weights[index]),
            *(tape.constant(bias[index]) for bias in biases), **(site.attributes | {"group": 1}),
        )
        for index, part in enumerate(parts)
    ]  # fmt: skip
    return forms.concat(tape, made, 1)


RULE = Rule(
    name="grouped-conv-split", ops=("Conv",), makes="Split, a Conv per group, Concat",
    exactness="rounding", check=check, rewrite=rewrite,
)  # fmt: skip
