"""Slice of neighbours along one axis to Split, of which one part is read.

Handled: stored starts and ends along one axis, any dtype.
Refused: steps other than 1, several axes, empty slices, unknown shapes, and what is only known at
run time.
"""

import onnx_ir as ir

from hetsched.convert.rules import forms, picking
from hetsched.convert.rules.rule import Rule, Site, known_shape
from hetsched.convert.rules.tape import Tape


def check(site: Site) -> str | None:
    """None where it applies."""
    if (why := picking.slice_reason(site)) is not None:
        return why
    found = [picked for _, picked in _changed(site)]
    if len(found) != 1 or found[0].step != 1 or not found[0]:
        return "not neighbours along one axis"
    return None


def _changed(site: Site) -> list[tuple[int, range]]:
    shape = known_shape(site.input(0))
    ranges = picking.slice_ranges(site)
    return [(axis, picked) for axis, picked in ranges.items() if picked != range(shape[axis])]


def rewrite(site: Site, tape: Tape) -> ir.Value:
    """Split into what comes before, the slice, and what comes after."""
    ((axis, picked),) = _changed(site)
    size = known_shape(site.input(0))[axis]
    sizes = (picked.start, len(picked), size - picked.stop)
    parts = [length for length in sizes if length]
    return forms.split(tape, site.input(0), axis, parts)[1 if picked.start else 0]


RULE = Rule(
    name="slice-to-split", ops=("Slice",), makes="Split",
    exactness="exact", check=check, rewrite=rewrite,
)  # fmt: skip
