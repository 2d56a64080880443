"""LayerNormalization and RMSNormalization to primitives.

(x - mean) / sqrt(mean((x - mean)^2) + epsilon) * scale + bias over the last axes; RMSNormalization
without the mean and the bias.

Handled: any axis, epsilon, with or without bias.
Refused: the further outputs (mean, inverse deviation), unknown shapes, other dtypes than floats;
float16 with float32 inside (`stash_type`), which primitives in float16 wouldn't reach.
"""

import onnx_ir as ir

from hetsched.convert.rules.rule import Rule, Site, needs_float, static_shape
from hetsched.convert.rules.tape import Tape


def check(site: Site) -> str | None:
    """None where it applies."""
    if site.more_is_read:
        return "its mean or deviation is read"
    if static_shape(site.input(0)) is None:
        return "its shape isn't known"
    if site.input(0).dtype == ir.DataType.FLOAT16:
        return "it computes in float32 inside"
    return needs_float(site)


def rewrite(site: Site, tape: Tape) -> ir.Value:
    """ReduceMean, Sub, Mul, ReduceMean, Add, Sqrt, Div, Mul, Add."""
    x, shape = site.input(0), static_shape(site.input(0))
    assert shape is not None
    axes = list(range(int(site.attribute("axis", -1)) % len(shape), len(shape)))
    if site.node.op_type == "LayerNormalization":
        x = tape.op("Sub", x, tape.reduce("ReduceMean", x, axes))
    variance = tape.reduce("ReduceMean", tape.op("Mul", x, x), axes)
    stable = tape.op("Add", variance, tape.number(site.attribute("epsilon", 1e-5), x))
    value = tape.op("Mul", tape.op("Div", x, tape.op("Sqrt", stable)), site.input(1))
    bias = site.optional(2)
    return value if bias is None else tape.op("Add", value, bias)


RULE = Rule(
    name="layer-norm", ops=("LayerNormalization", "RMSNormalization"),
    makes="ReduceMean, Sub, Mul, Add, Sqrt, Div",
    exactness="rounding", check=check, rewrite=rewrite,
)  # fmt: skip
