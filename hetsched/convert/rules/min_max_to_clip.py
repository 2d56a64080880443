"""Max with a stored number to Clip from below, Min to Clip from above; a Relu or both become one.

Min(Max(x, low), high), Min(Relu(x), high) and Max(x, low), Min(x, high) on their own: so a ReLU6
written as Min and Relu becomes Clip(0, 6).

Handled: one stored number (a NaN isn't one), floats.
Refused: operands of several numbers, of another shape, or only known at run time; other dtypes.
Equal for all numbers; see `clip-to-min-max` for infinity.
"""

import numpy as np
import onnx_ir as ir

from hetsched.convert.rules.rule import Rule, Site, needs_float, static_shape, stored
from hetsched.convert.rules.tape import Tape


def check(site: Site) -> str | None:
    """None where it applies."""
    return needs_float(site) if _limit(site) is not None else "not one stored limit of two operands"


def _limit(site: Site) -> tuple[ir.Value, float] | None:
    """What is limited, and the limit."""
    if len(site.node.inputs) != 2:
        return None
    for kept, other in ((0, 1), (1, 0)):
        known = stored(site.input(other))
        if known is None or known.size != 1 or np.isnan(known).any():
            continue
        x, shape = site.input(kept), static_shape(site.output)
        if shape is not None and static_shape(x) == shape and stored(x) is None:
            return x, float(known.reshape(-1)[0])
    return None


def _lower(value: ir.Value, opset: int) -> tuple[ir.Value, float | None]:
    """What a Relu or Max before limits from below, and the limit."""
    maker = value.producer()
    if maker is None or maker.domain != "":
        return value, None
    before = Site(maker, opset)
    if maker.op_type == "Relu":
        return before.input(0), 0.0
    found = _limit(before) if maker.op_type == "Max" else None
    return (value, None) if found is None else found


def rewrite(site: Site, tape: Tape) -> ir.Value:
    """Clip."""
    found = _limit(site)
    assert found is not None
    x, limit = found
    if site.node.op_type == "Max":
        return tape.clip(x, limit, None)
    source, low = _lower(x, site.opset)
    if low is None or low > limit:
        return tape.clip(x, None, limit)
    return tape.clip(source, low, limit)


RULE = Rule(
    name="min-max-to-clip", ops=("Max", "Min"), makes="Clip",
    exactness="rounding", check=check, rewrite=rewrite,
)  # fmt: skip
