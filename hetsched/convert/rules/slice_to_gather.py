"""Slice with steps, forwards or backwards, to Gather of stored indices, axis by axis.

Handled: every stored slice that picks something, any rank and dtype.
Refused: empty slices, unknown shapes, and what is only known at run time.
"""

import onnx_ir as ir

from hetsched.convert.rules import picking
from hetsched.convert.rules.rule import Rule, Site, known_shape
from hetsched.convert.rules.tape import Tape


def check(site: Site) -> str | None:
    """None where it applies."""
    if (why := picking.slice_reason(site)) is not None:
        return why
    found = picking.slice_ranges(site)
    if not all(found.values()):
        return "it picks nothing"
    shape = known_shape(site.input(0))
    if all(picked == range(shape[axis]) for axis, picked in found.items()):
        return "it picks everything"
    return None


def rewrite(site: Site, tape: Tape) -> ir.Value:
    """A Gather per axis that changes."""
    value = site.input(0)
    for axis, picked in picking.slice_ranges(site).items():
        if picked != range(known_shape(value)[axis]):
            value = tape.op("Gather", value, tape.integers(*picked), axis=axis)
    return value


RULE = Rule(
    name="slice-to-gather", ops=("Slice",), makes="a Gather per axis",
    exactness="exact", check=check, rewrite=rewrite,
)  # fmt: skip
