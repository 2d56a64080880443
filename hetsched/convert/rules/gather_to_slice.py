"""Gather of neighbouring indices to Slice, with a Reshape for a single index.

Handled: stored indices that are one number, or count up by 1.
Refused: other indices, unknown shapes, indices known only at run time.
"""

import numpy as np
import onnx_ir as ir

from hetsched.convert.rules.rule import Rule, Site, static_shape, stored
from hetsched.convert.rules.tape import Tape

_SLICE_INPUTS = 10


def check(site: Site) -> str | None:
    """None where it applies."""
    if static_shape(site.input(0)) is None or static_shape(site.output) is None:
        return "its shape isn't known"
    indices = stored(site.input(1))
    if indices is None or indices.size == 0:
        return "its indices aren't stored"
    steps = np.diff(_positive(site, indices))
    return None if bool((steps == 1).all()) else "its indices aren't neighbours"


def _positive(site: Site, indices: np.ndarray) -> np.ndarray:
    shape = static_shape(site.input(0))
    assert shape is not None
    axis = int(site.attribute("axis", 0)) % len(shape)
    return np.asarray(indices.reshape(-1) % shape[axis])


def rewrite(site: Site, tape: Tape) -> ir.Value:
    """Slice, then Reshape where the shape differs."""
    indices, shape = stored(site.input(1)), static_shape(site.input(0))
    out = static_shape(site.output)
    assert indices is not None
    assert shape is not None
    assert out is not None
    found = _positive(site, indices)
    axis, start, end = site.attribute("axis", 0) % len(shape), int(found[0]), int(found[-1]) + 1
    if tape.opset < _SLICE_INPUTS:
        value = tape.op("Slice", site.input(0), axes=[axis], starts=[start], ends=[end])
    else:
        numbers = (tape.integers(x) for x in (start, end, axis))
        value = tape.op("Slice", site.input(0), *numbers)
    return value if static_shape(value) == out else tape.reshape(value, out)


RULE = Rule(
    name="gather-to-slice", ops=("Gather",), makes="Slice, Reshape",
    exactness="exact", check=check, rewrite=rewrite,
)  # fmt: skip
