"""Clip to Relu: without an upper limit directly, else low + Relu(x - low) capped by another Relu.

min(max(x, l), h) = h - Relu(h - max(x, l)), and max(x, l) = l + Relu(x - l).

Handled: stored limits, attributes or inputs, low at most high.
Refused: limits known only at run time, low over high, other dtypes than floats.
"""

import math

import numpy as np
import onnx_ir as ir

from hetsched.convert.rules.rule import Rule, Site, needs_float
from hetsched.convert.rules.tape import Tape

_HUGE = 1e30
"""Exporters write the dtype's largest number for no limit."""


def limits(site: Site) -> tuple[float | None, float | None] | None:
    """Lower and upper limit, None for none; None as a whole when one isn't stored."""
    found: list[float | None] = []
    for name, index in (("min", 1), ("max", 2)):
        value = site.parameter(name, index)
        if value is None and site.given(name, index):
            return None
        number = None if value is None else float(value.reshape(-1)[0])
        found.append(None if number is None or abs(number) > _HUGE else number)
    return found[0], found[1]


def check(site: Site) -> str | None:
    """None where it applies."""
    found = limits(site)
    if found is None:
        return "a limit isn't stored"
    low, high = found
    if low is None and high is None:
        return "it has no limits"
    if any(limit is not None and math.isnan(limit) for limit in found):
        return "a limit is NaN"
    if low is not None and high is not None and low > high:
        return f"its lower limit {low} is over its upper limit {high}"
    return needs_float(site)


def rewrite(site: Site, tape: Tape) -> ir.Value:
    """Relu, and what moves its zero to the limits."""
    found = limits(site)
    assert found is not None
    value, (low, high) = site.input(0), found
    if low is not None:
        value = _moved(tape, tape.op("Relu", _moved(tape, value, -low)), low)
    if high is None:
        return value
    room = _moved(tape, tape.op("Neg", value), high)
    return _moved(tape, tape.op("Neg", tape.op("Relu", room)), high)


def _moved(tape: Tape, value: ir.Value, by: float) -> ir.Value:
    return value if by == 0 else tape.op("Add", value, tape.constant(np.asarray(by), value))


RULE = Rule(
    name="clip-to-relu", ops=("Clip",), makes="Relu, Neg, Add",
    exactness="rounding", check=check, rewrite=rewrite,
)  # fmt: skip
