"""Means over all of H and W to GlobalAveragePool: ReduceMean, and AveragePool without pads.

Handled: rank 4; ReduceMean with or without kept dimensions (a Reshape follows); AveragePool whose
kernel is the input.
Refused: other axes, kernels or ranks, axes known only at run time.
"""

import onnx_ir as ir

from hetsched.convert.rules.rule import Rule, Site, needs_float, static_shape
from hetsched.convert.rules.tape import Tape

_RANK = 4


def check(site: Site) -> str | None:
    """None where it applies."""
    shape = static_shape(site.input(0))
    if shape is None or len(shape) != _RANK:
        return "not two spatial axes of known size"
    if site.node.op_type == "AveragePool":
        fits = tuple(site.attribute("kernel_shape")) == shape[2:]
        if not fits or any(site.attribute("pads", [0])):
            return "its kernel isn't the whole input without pads"
        return needs_float(site)
    axes = site.parameter("axes", 1)
    if axes is None or sorted(int(axis) % _RANK for axis in axes) != [2, 3]:
        return "its axes aren't H and W"
    return needs_float(site)


def rewrite(site: Site, tape: Tape) -> ir.Value:
    """GlobalAveragePool, and a Reshape where dimensions aren't kept."""
    pooled = tape.op("GlobalAveragePool", site.input(0))
    if site.node.op_type == "AveragePool" or site.attribute("keepdims", 1):
        return pooled
    shape = static_shape(site.input(0))
    assert shape is not None
    return tape.reshape(pooled, shape[:2])


RULE = Rule(
    name="pool-to-global", ops=("ReduceMean", "AveragePool"), makes="GlobalAveragePool",
    exactness="rounding", check=check, rewrite=rewrite,
)  # fmt: skip
