"""Slice with steps over 1 to plain Slices: of the run, then of the first of every `step` places.

[..., n * step, ...] as [before, n, step, after], of which [:, :, 0] is picked. What lacks at the
end is made up for by blocks that end with what is picked, else the last place is picked on its own.

Handled: stored slices, any rank and dtype.
Refused: steps of 1, negative steps (see `slice-to-gather`), empty slices, unknown shapes.
"""

from math import prod

import onnx_ir as ir

from hetsched.convert.rules import forms, picking
from hetsched.convert.rules.rule import Rule, Site, known_shape
from hetsched.convert.rules.tape import Tape


def check(site: Site) -> str | None:
    """None where it applies."""
    if (why := picking.slice_reason(site)) is not None:
        return why
    found = picking.slice_ranges(site).values()
    if not all(found):
        return "it picks nothing"
    if any(picked.step < 0 for picked in found):
        return "a step is negative"
    return None if any(_strides(picked) for picked in found) else "it has no steps over 1"


def _strides(picked: range) -> bool:
    return picked.step > 1 and len(picked) > 1


def rewrite(site: Site, tape: Tape) -> ir.Value:
    """Slice, Reshape, Slice, Reshape per axis."""
    value = site.input(0)
    for axis, picked in picking.slice_ranges(site).items():
        if _strides(picked):
            value = _stepped(tape, value, axis, picked)
        else:
            value = forms.cut_axis(tape, value, axis, picked[0], picked[-1] + 1)
    return value


def _stepped(tape: Tape, value: ir.Value, axis: int, picked: range) -> ir.Value:
    shape, step, count = list(known_shape(value)), picked.step, len(picked)
    end = picked[0] + count * step
    whole, place = (count, 0) if end <= shape[axis] else (count - 1, 0)
    if whole < count and picked[-1] + 1 >= count * step:  # blocks that end with what is picked
        whole, place, end = count, step - 1, picked[-1] + 1
    start = end - count * step
    run = forms.cut_axis(tape, value, axis, start, start + whole * step)
    split = (prod(shape[:axis]), whole, step, prod(shape[axis + 1 :]))
    chosen = forms.cut_axis(tape, tape.reshape(run, split), 2, place, place + 1)
    joined = tape.reshape(chosen, (*shape[:axis], whole, *shape[axis + 1 :]))
    if whole == count:
        return joined
    last = forms.cut_axis(tape, value, axis, picked[-1], picked[-1] + 1)
    return forms.concat(tape, [joined, last], axis)


RULE = Rule(
    name="slice-steps", ops=("Slice",), makes="Slice, Reshape, Slice, Reshape",
    exactness="exact", check=check, rewrite=rewrite,
)  # fmt: skip
