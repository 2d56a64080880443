"""Where to arithmetic: a * m + b * (1 - m) with m = Cast(condition).

Handled: floats, int32 and int64, broadcasting.
Refused: other dtypes; a stored branch that isn't finite, since 0 * inf is NaN.
Equal for all numbers, since one part is 0; an infinity or NaN in the branch not taken spoils it.
"""

import numpy as np
import onnx_ir as ir

from hetsched.convert.rules.rule import FLOATS, Rule, Site, stored
from hetsched.convert.rules.tape import Tape

_DTYPES = (*FLOATS, ir.DataType.INT32, ir.DataType.INT64)


def check(site: Site) -> str | None:
    """None where it applies."""
    if site.input(1).dtype not in _DTYPES:
        return f"{site.input(1).dtype} isn't multiplied everywhere"
    known = [stored(site.input(index)) for index in (1, 2)]
    if any(value is not None and not np.isfinite(value).all() for value in known):
        return "a branch isn't finite: 0 times infinity is NaN"
    return None


def rewrite(site: Site, tape: Tape) -> ir.Value:
    """Cast, Sub, Mul, Mul, Add; without the parts of a branch that is 0."""
    condition, yes, no = (site.input(index) for index in range(3))
    assert yes.dtype is not None
    mask = tape.op("Cast", condition, to=int(yes.dtype))
    parts = [] if _is_zero(yes, mask) else [tape.op("Mul", yes, mask)]
    if not _is_zero(no, mask) or not parts:
        other = tape.op("Sub", tape.number(1, yes), mask)
        parts.append(tape.op("Mul", no, other))
    return parts[0] if len(parts) == 1 else tape.op("Add", *parts)


def _is_zero(value: ir.Value, mask: ir.Value) -> bool:
    """Whether a branch is one stored 0, so that leaving it out changes no shape."""
    known = stored(value)
    if known is None or mask.shape is None or known.ndim > len(mask.shape):
        return False
    return known.size == 1 and not known.any()


RULE = Rule(
    name="where-to-mul", ops=("Where",), makes="Cast, Sub, Mul, Add",
    exactness="rounding", check=check, rewrite=rewrite,
)  # fmt: skip
