"""Split to one Slice per output.

Handled: known shapes, equal and unequal parts, any dtype.
Refused: unknown shapes, parts known only at run time.
"""

import onnx_ir as ir

from hetsched.convert.rules.rule import Rule, Site, static_shape
from hetsched.convert.rules.tape import Tape

_SLICE_INPUTS = 10


def check(site: Site) -> str | None:
    """None where it applies."""
    shapes = [static_shape(value) for value in (site.input(0), *site.node.outputs)]
    return None if None not in shapes else "its parts aren't known"


def rewrite(site: Site, tape: Tape) -> tuple[ir.Value, ...]:
    """Slices one after the other."""
    found = [static_shape(value) for value in (site.input(0), *site.node.outputs)]
    shape, *parts = (dims for dims in found if dims is not None)
    axis, start, made = int(site.attribute("axis", 0)) % len(shape), 0, []
    for part in parts:
        made.append(_slice(tape, site.input(0), axis, start, start + part[axis]))
        start += part[axis]
    return tuple(made)


def _slice(tape: Tape, value: ir.Value, axis: int, start: int, end: int) -> ir.Value:
    if tape.opset < _SLICE_INPUTS:
        return tape.op("Slice", value, axes=[axis], starts=[start], ends=[end])
    return tape.op("Slice", value, *(tape.integers(x) for x in (start, end, axis)))


RULE = Rule(
    name="split", ops=("Split",), makes="a Slice per output",
    exactness="exact", check=check, rewrite=rewrite,
)  # fmt: skip
