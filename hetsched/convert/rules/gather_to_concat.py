"""Gather of stored indices to Slices of the runs among them, and Concat.

Handled: up to 64 runs of indices that count up by 1; runs that occur twice are cut once; a Reshape
where the indices aren't a vector; every dtype.
Refused: a single run (see `gather-to-slice`), more runs, indices known only at run time, unknown
shapes.
"""

import onnx_ir as ir

from hetsched.convert.rules import forms, picking
from hetsched.convert.rules.rule import Rule, Site, known_shape
from hetsched.convert.rules.tape import Tape

MAX_RUNS = 64
"""A Slice each: more would cost more than the Gather can be worth."""


def check(site: Site) -> str | None:
    """None where it applies."""
    places = picking.gather_places(site)
    if places is None:
        return "its indices aren't stored, or its shape isn't known"
    count = len(picking.runs(places))
    if count == 1:
        return "its indices are neighbours"
    return f"its indices have {count} runs, over {MAX_RUNS}" if count > MAX_RUNS else None


def rewrite(site: Site, tape: Tape) -> ir.Value:
    """Slices, Concat, Reshape where the shape differs."""
    places, axis = picking.gather_places(site), picking.gather_axis(site)
    assert places is not None
    found = picking.runs(places)
    cuts = {run: forms.cut_axis(tape, site.input(0), axis, *run) for run in dict.fromkeys(found)}
    value = forms.concat(tape, [cuts[run] for run in found], axis)
    return forms.reshape(tape, value, known_shape(site.output))


RULE = Rule(
    name="gather-to-concat", ops=("Gather",), makes="Slice, Concat, Reshape",
    exactness="exact", check=check, rewrite=rewrite,
)  # fmt: skip
