"""How far what a target computes is from what ONNX Runtime computes."""

from collections.abc import Mapping, Sequence

import numpy as np

from hetsched.convert.certify import compare
from hetsched.convert.export.report import Proof
from hetsched.errors import ExportError
from hetsched.ir.graph import Graph

FLOAT32_BOUND = 1e-4
FLOAT16_BOUND = 1e-2
EIGHT_BITS_BOUND = 2 * 2 / 255
"""Bounds on max|a-b| / max|a|, by the lowest arithmetic dtype.

Source: the project's own promise of what a plan may change; for 8 bits two steps of an output whose
range is up to twice its largest value.
"""


def bound_for(graph: Graph) -> float:
    """The bound for a model's own arithmetic."""
    if any("Quantize" in op.op_type or "QLinear" in op.op_type for op in graph.ops):
        return EIGHT_BITS_BOUND
    made = {graph.tensors[name].dtype for op in graph.ops for name in op.writes}
    return FLOAT16_BOUND if made & {"float16", "bfloat16"} else FLOAT32_BOUND


def prove(
    what: str,
    expected: Sequence[np.ndarray],
    actual: Sequence[np.ndarray],
    *,
    bound: float,
    method: str,
    by: str,
) -> Proof:
    """Compare outputs of ONNX Runtime with those of the target.

    Raises:
        ExportError: when they differ by more than the bound: nothing is to be handed out then.
    """
    dtypes = ["float64", "float32", "float16"]
    if bound == EIGHT_BITS_BOUND:
        dtypes += ["int8", "uint8"]
    bounds: Mapping[str, float] = dict.fromkeys(dtypes, bound)
    found = compare([(expected, actual)], "rounding", bounds)
    worst = max(found.max_rel_error, default=0.0)
    if found.problem is not None:
        raise ExportError(f"nothing was written: {what} by {by} gives {found.problem}")
    if not found.passed:
        raise ExportError(
            f"nothing was written: {what} by {by} differs by {worst:.3g} relative to the largest "
            f"value, bound {bound:g}"
        )
    return Proof(
        method=method,
        by=by,
        max_abs_error=max(found.max_abs_error, default=0.0),
        max_rel_error=worst,
        bound=bound,
    )
