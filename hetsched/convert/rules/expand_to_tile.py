"""Expand to Tile, after a Reshape where the rank grows.

Handled: known shapes, any dtype.
Refused: unknown shapes, empty tensors.
"""

from math import prod

import onnx_ir as ir

from hetsched.convert.rules import forms
from hetsched.convert.rules.rule import Rule, Site, known_shape, static_shape
from hetsched.convert.rules.tape import Tape


def check(site: Site) -> str | None:
    """None where it applies."""
    if static_shape(site.input(0)) is None or static_shape(site.output) is None:
        return "its shape isn't known"
    return None if prod(known_shape(site.output)) else "it makes nothing"


def rewrite(site: Site, tape: Tape) -> ir.Value:
    """Reshape, Tile."""
    shape, out = known_shape(site.input(0)), known_shape(site.output)
    full = (1,) * (len(out) - len(shape)) + shape
    times = [new // old for old, new in zip(full, out, strict=True)]
    return tape.op("Tile", forms.reshape(tape, site.input(0), full), tape.integers(*times))


RULE = Rule(
    name="expand-to-tile", ops=("Expand",), makes="Reshape, Tile",
    exactness="exact", check=check, rewrite=rewrite,
)  # fmt: skip
