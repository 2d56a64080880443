"""Tile to Concat of a tensor with itself, axis by axis.

Handled: stored repeats of up to 64 per axis, none of them 0; any rank and dtype.
Refused: more repeats, repeats known only at run time, a scalar.
"""

import onnx_ir as ir

from hetsched.convert.rules.rule import Rule, Site, known_value, stored
from hetsched.convert.rules.tape import Tape

_MAX_COPIES = 64


def check(site: Site) -> str | None:
    """None where it applies."""
    times = stored(site.input(1))
    if times is None:
        return "its repeats aren't stored"
    if times.size == 0 or times.min() < 1 or times.max() > _MAX_COPIES:
        return f"its repeats {times.tolist()} aren't from 1 to {_MAX_COPIES}"
    return None if times.max() > 1 else "it repeats nothing"


def rewrite(site: Site, tape: Tape) -> ir.Value:
    """A Concat per repeated axis, the last one first: the least is copied at first."""
    value, times = site.input(0), known_value(site.input(1))
    for axis in reversed(range(len(times))):
        if times[axis] > 1:
            value = tape.op("Concat", *[value] * int(times[axis]), axis=axis)
    return value


RULE = Rule(
    name="tile-to-concat", ops=("Tile",), makes="Concat with itself",
    exactness="exact", check=check, rewrite=rewrite,
)  # fmt: skip
