"""Are two sets of outputs the same, as far as their arithmetic allows?"""

from collections.abc import Collection, Mapping

import msgspec
import numpy as np

from hetsched.backends.base import HostValue
from hetsched.errors import RunError
from hetsched.ir.graph import Graph, Op
from hetsched.runtime.difference import difference

FLOAT32_BOUND = 1e-4
FLOAT16_BOUND = 1e-2
QUANTISATION_STEPS = 2
"""Bounds on max|a-b| / max|a|, by the lowest arithmetic dtype; in steps for 8-bit arithmetic.

Source: the project's own promise of what a plan may change.
"""

SIGMOID_RESOLUTION = 12 * 2.0**-25
"""How far apart float32 sigmoids of nearly equal inputs may be, however small they are.

ONNX Runtime's kernel adds a fraction to 0.5, so that small results are whole multiples of 2^-25:
a last bit of the input moves an output of 1e-6 by several per cent. The unsplit model does the same
with its optimisations on and off. Two results may be apart by twice what one is off.

Source: measured over 400,001 inputs from -20 to 20: all negative ones gave multiples of 2^-25, up
to 5.6 of them from the true value. Seen: silero-vad with optimisations on against off, up to 3 of
them; random splits of ppocr-det, up to 6.
"""

_KEEPS_RESOLUTION = frozenset(
    {"Identity", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Transpose", "Slice", "ReduceMean"}
)
"""Ops whose output is no finer than their first input."""

DTYPES = ("int8", "float16", "float32")
"""From the lowest to the highest, as far as bounds tell them apart."""

_HALF = ("float16", "bfloat16")
_QUANTISED_OPS = frozenset(
    {
        "QLinearConv",
        "QLinearMatMul",
        "QuantizeLinear",
        "DequantizeLinear",
        "DynamicQuantizeLinear",
        "ConvInteger",
        "MatMulInteger",
        "QGemm",
        "QLinearAdd",
        "QLinearMul",
        "QLinearConcat",
        "QLinearAveragePool",
        "QLinearGlobalAveragePool",
        "QLinearSigmoid",
        "QLinearLeakyRelu",
        "QLinearSoftmax",
    }
)


class Verified(msgspec.Struct, frozen=True, kw_only=True):
    """How far two sets of outputs are apart; of several outputs, the one nearest its bound.

    Attributes:
        max_abs_error: max|a-b|; None where it has no number: NaN or infinity at unequal places,
            another shape, other text.
        max_rel_error: max|a-b| / max|a|; None likewise, or where all of `a` is 0 and `b` isn't.
        bound: what `max_rel_error` may be.
        passed: whether every output is within its bound.
        dtype: the lowest arithmetic dtype, which chose the bound.
        output: the output that the numbers are of.
    """

    max_abs_error: float | None
    max_rel_error: float | None
    bound: float
    passed: bool
    dtype: str
    output: str


def lowest_dtype(graph: Graph) -> str:
    """The lowest dtype that a model's own arithmetic is in: `int8`, `float16` or `float32`."""
    if any(op.op_type in _QUANTISED_OPS for op in graph.ops):
        return "int8"
    made = {graph.tensors[name].dtype for op in graph.ops for name in op.writes}
    return "float16" if made & set(_HALF) else "float32"


def verify(
    graph: Graph,
    expected: Mapping[str, HostValue],
    actual: Mapping[str, HostValue],
    computed_in: Collection[str] = (),
) -> Verified:
    """Compare outputs that this machine computed.

    Args:
        graph: the model's.
        expected: outputs of the unsplit model, by name.
        actual: outputs to judge.
        computed_in: dtypes of the engines' arithmetic, where that may be lower than the model's.

    Raises:
        RunError: when the two don't have the same outputs.
    """
    if list(expected) != list(actual):
        raise RunError(
            f"the unsplit model's outputs are {', '.join(expected)}, the plan's {', '.join(actual)}"
        )
    dtype = min([lowest_dtype(graph), *computed_in], key=DTYPES.index)
    found = [_judge(graph, name, dtype, expected[name], actual[name]) for name in expected]
    if not found:
        raise RunError("the model has no outputs: there is nothing to verify")
    worst = max(found, key=_nearness)
    return msgspec.structs.replace(worst, passed=all(one.passed for one in found))


def _nearness(verified: Verified) -> float:
    if verified.max_rel_error is None:
        return float("inf")
    return verified.max_rel_error / verified.bound


def _judge(graph: Graph, name: str, dtype: str, expected: HostValue, actual: HostValue) -> Verified:
    errors = difference(expected, actual)
    bound = _bound(graph, name, dtype, expected)
    absolute, relative = errors or (None, None)
    return Verified(
        max_abs_error=absolute,
        max_rel_error=relative,
        bound=bound,
        passed=relative is not None and relative <= bound,
        dtype=dtype,
        output=name,
    )


def _bound(graph: Graph, name: str, dtype: str, expected: HostValue) -> float:
    """On max|a-b| / max|a| of one output."""
    least = FLOAT16_BOUND if dtype == "float16" else FLOAT32_BOUND
    if not isinstance(expected, np.ndarray) or expected.dtype.kind in "OSUT":
        return least
    largest = _largest(expected)
    if not largest:
        return least
    if dtype != "int8":
        return max(_resolution(graph, name) / largest, least)
    return max(QUANTISATION_STEPS * _step(graph, name, expected) / largest, FLOAT32_BOUND)


def _resolution(graph: Graph, name: str) -> float:
    """What the op that makes a float32 output can't resolve, 0 where that isn't known."""
    op = graph.producer.get(name)
    while op is not None and op.op_type in _KEEPS_RESOLUTION:
        op = graph.producer.get(op.inputs[0])
    return SIGMOID_RESOLUTION if op is not None and op.op_type == "Sigmoid" else 0.0


def _step(graph: Graph, name: str, expected: np.ndarray) -> float:
    """An output's quantisation step.

    It is the scale of the DequantizeLinear that makes it, 1 for an output of 8-bit integers, else
    what 8 bits over the output's range would give.
    """
    if expected.dtype.kind in "iub":
        return 1.0
    scale = _scale(graph, graph.producer.get(name))
    if scale is not None:
        return scale
    finite = expected[np.isfinite(expected)].astype(np.float64)
    return float(finite.max() - finite.min()) / 255 if finite.size else 0.0


def _scale(graph: Graph, op: Op | None) -> float | None:
    if op is None or op.op_type != "DequantizeLinear":
        return None
    values = [float(v) for v in graph.values.get(op.inputs[1], ()) if not isinstance(v, str)]
    return max(values) if values else None


def _largest(array: np.ndarray) -> float:
    finite = np.abs(array[np.isfinite(array)].astype(np.float64))
    return float(finite.max()) if finite.size else 0.0
