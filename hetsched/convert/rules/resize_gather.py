"""Resize and Upsample of mode nearest to Gather of stored indices, along one axis after the other.

Handled: any scales, coordinates, roundings, ranks and dtypes; see `resampling`.
Refused: other modes, and what `resampling` refuses.
"""

import onnx_ir as ir

from hetsched.convert.rules import resampling
from hetsched.convert.rules.rule import Rule, Site
from hetsched.convert.rules.tape import Tape


def check(site: Site) -> str | None:
    """None where it applies."""
    if resampling.mode_of(site) != "nearest":
        return "not mode nearest"
    return resampling.reason(site) or (None if resampling.matrices(site) else "it does nothing")


def rewrite(site: Site, tape: Tape) -> ir.Value:
    """A Gather per axis that changes."""
    value, found = site.input(0), resampling.matrices(site)
    assert found is not None
    for axis, matrix in found.items():
        value = tape.op("Gather", value, tape.integers(*matrix.argmax(axis=1)), axis=axis)
    return value


RULE = Rule(
    name="resize-gather", ops=("Resize", "Upsample"), makes="a Gather per axis",
    exactness="exact", check=check, rewrite=rewrite,
)  # fmt: skip
