"""Resize and Upsample of height and width to MatMul with one stored matrix per axis.

Handled: nearest, linear and cubic, of any scale, with all coordinates of `resampling`; the last two
axes.
Refused: other axes, what `resampling` refuses, other dtypes than floats and float16, in which
ONNX Runtime interpolates otherwise. Infinities make NaN of what isn't near them: 0 * inf.
"""

import onnx_ir as ir

from hetsched.convert.rules import resampling
from hetsched.convert.rules.rule import Rule, Site, known_shape, needs_float
from hetsched.convert.rules.tape import Tape


def check(site: Site) -> str | None:
    """None where it applies."""
    if (why := needs_float(site) or resampling.reason(site)) is not None:
        return why
    if site.input(0).dtype == ir.DataType.FLOAT16:
        return "float16 is interpolated otherwise"
    axes, rank = resampling.matrices(site), len(known_shape(site.input(0)))
    if not axes or rank < 2 or min(axes) < rank - 2:
        return "it doesn't just change the last two axes"
    return None


def rewrite(site: Site, tape: Tape) -> ir.Value:
    """Rows times x, x times columns."""
    value, found = site.input(0), resampling.matrices(site)
    assert found is not None
    rank = len(known_shape(value))
    if (rows := found.get(rank - 2)) is not None:
        value = tape.op("MatMul", tape.constant(rows, value), value)
    if (columns := found.get(rank - 1)) is not None:
        value = tape.op("MatMul", value, tape.constant(columns.T, value))
    return value


RULE = Rule(
    name="resize-matmul", ops=("Resize", "Upsample"), makes="a MatMul per axis",
    exactness="rounding", check=check, rewrite=rewrite,
)  # fmt: skip
