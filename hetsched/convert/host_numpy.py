"""Ops as NumPy expressions, for code that people read and run on the host.

Handled is what tails and heads are made of: arithmetic, comparisons, activations, softmax,
reductions, moving elements around. Refused (None): anything else, and forms whose parameters aren't
stored.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

from hetsched.convert.capability_view import View
from hetsched.ir.graph import Graph, Op

Emit: TypeAlias = Callable[[View, Sequence[str]], str | None]
"""An op and the Python names of its inputs to an expression of its first output."""

_PLAIN = frozenset({
    "bool", "float16", "float32", "float64", "int8", "int16", "int32", "int64", "uint8", "uint16",
    "uint32", "uint64",
})  # fmt: skip
"""Dtypes that NumPy has, too."""

_SOFTMAX_OPSET = 13
"""Before it, softmax went over all axes from `axis` on. Source: Softmax-13 of ONNX."""


def expression(graph: Graph, op: Op, names: Sequence[str]) -> str | None:
    """The op as an expression over its inputs' names; None where it isn't known.

    Args:
        graph: the op's.
        op: with one output.
        names: Python names of its inputs, empty for those left out.
    """
    emit = EMITTERS.get(op.op_type)
    if op.domain or emit is None or len(op.writes) != 1:
        return None
    return emit(View(graph=graph, op=op), names)


def _infix(sign: str) -> Emit:
    def emit(view: View, names: Sequence[str]) -> str | None:
        if sign == "/" and not _is_float(view):
            return None  # integers round towards zero in ONNX
        return f" {sign} ".join(names)

    return emit


def _call(name: str) -> Emit:
    return lambda _, names: f"np.{name}({', '.join(names)})"


def _nested(name: str) -> Emit:
    """A function of two over several."""

    def emit(view: View, names: Sequence[str]) -> str:  # noqa: ARG001
        found = names[0]
        for other in names[1:]:
            found = f"np.{name}({found}, {other})"
        return found

    return emit


def _form(text: str) -> Emit:
    return lambda _, names: text.format(*names)


def _is_float(view: View) -> bool:
    tensor = view.graph.tensors.get(view.input(0))
    return tensor is not None and tensor.dtype in ("float32", "float64", "float16")


def _number(view: View, name: str, default: float) -> float:
    value = view.op.attributes.get(name, default)
    return float(value) if isinstance(value, int | float) else default


def _leaky(view: View, names: Sequence[str]) -> str:
    scaled = f"{names[0]} * np.float32({_number(view, 'alpha', 0.01)!r})"
    return f"np.where({names[0]} < 0, {scaled}, {names[0]})"


def _hard_sigmoid(view: View, names: Sequence[str]) -> str:
    alpha, beta = _number(view, "alpha", 0.2), _number(view, "beta", 0.5)
    return f"np.clip({names[0]} * np.float32({alpha!r}) + np.float32({beta!r}), 0, 1)"


def _clip(view: View, names: Sequence[str]) -> str | None:
    low, high = view.parameter("min", 1), view.parameter("max", 2)
    if low is None or high is None:
        return None
    bounds = [repr(v[0]) if v else "None" for v in (low, high)]
    return f"np.clip({names[0]}, {bounds[0]}, {bounds[1]})"


def _softmax(view: View, names: Sequence[str]) -> str | None:
    axis = _softmax_axis(view)
    if axis is None:
        return None
    shifted = f"np.exp({names[0]} - {names[0]}.max({axis}, keepdims=True))"
    return f"(lambda e: e / e.sum({axis}, keepdims=True))({shifted})"


def _log_softmax(view: View, names: Sequence[str]) -> str | None:
    axis = _softmax_axis(view)
    if axis is None:
        return None
    shifted = f"{names[0]} - {names[0]}.max({axis}, keepdims=True)"
    return f"(lambda d: d - np.log(np.exp(d).sum({axis}, keepdims=True)))({shifted})"


def _softmax_axis(view: View) -> int | None:
    rank = view.rank(view.input(0))
    if view.op.opset >= _SOFTMAX_OPSET:
        return view.integer("axis", -1)
    axis = view.integer("axis", 1)
    return axis if rank is not None and axis in (-1, rank - 1) else None


def _reshape(view: View, names: Sequence[str]) -> str | None:
    shape = view.shape(view.op.outputs[0])
    return None if shape is None or None in shape else f"{names[0]}.reshape({tuple(shape)})"


def _transpose(view: View, names: Sequence[str]) -> str:
    order = view.integers("perm")
    return f"{names[0]}.transpose({order if order else ''})"


def _concat(view: View, names: Sequence[str]) -> str:
    return f"np.concatenate([{', '.join(names)}], axis={view.integer('axis', 0)})"


def _slice(view: View, names: Sequence[str]) -> str | None:
    starts, ends = view.parameter("starts", 1), view.parameter("ends", 2)
    axes, steps = view.parameter("axes", 3), view.parameter("steps", 4)
    rank = view.rank(view.input(0))
    if starts is None or ends is None or axes is None or steps is None or rank is None:
        return None
    parts = [":"] * rank
    for at, (start, end) in enumerate(zip(starts, ends, strict=True)):
        step = int(steps[at]) if steps else 1
        if step < 0:
            return None  # a start before the first element means something else in Python
        axis = int(axes[at]) if axes else at
        parts[axis] = f"{int(start)}:{int(end)}" + (f":{step}" if step != 1 else "")
    return f"{names[0]}[{', '.join(parts)}]"


def _gather(view: View, names: Sequence[str]) -> str:
    return f"np.take({names[0]}, {names[1]}, axis={view.integer('axis', 0)})"


def _cast(view: View, names: Sequence[str]) -> str | None:
    dtype = view.graph.tensors[view.op.outputs[0]].dtype
    source = view.graph.tensors[view.input(0)].dtype
    if dtype not in _PLAIN or source not in _PLAIN:
        return None
    return f"{names[0]}.astype(np.{'bool_' if dtype == 'bool' else dtype})"


def _reduce(name: str) -> Emit:
    def emit(view: View, names: Sequence[str]) -> str | None:
        axes = view.axes("axes", 1)
        if axes is None or view.integer("noop_with_empty_axes", 0):
            return None
        keep = bool(view.integer("keepdims", 1))
        return f"{names[0]}.{name}({axes}, keepdims={keep})"

    return emit


def _position(name: str) -> Emit:
    def emit(view: View, names: Sequence[str]) -> str | None:
        if view.integer("select_last_index", 0):
            return None
        axis, keep = view.integer("axis", 0), bool(view.integer("keepdims", 1))
        return f"{names[0]}.{name}({axis}, keepdims={keep})"

    return emit


def _expand(view: View, names: Sequence[str]) -> str | None:
    shape = view.shape(view.op.outputs[0])
    if shape is None or None in shape:
        return None
    return f"np.broadcast_to({names[0]}, {tuple(shape)})"


def _global_mean(view: View, names: Sequence[str]) -> str | None:
    rank = view.rank(view.input(0))
    return f"{names[0]}.mean({tuple(range(2, rank))}, keepdims=True)" if rank else None


EMITTERS: Mapping[str, Emit] = {
    "Abs": _call("abs"),
    "Add": _infix("+"),
    "And": _call("logical_and"),
    "ArgMax": _position("argmax"),
    "ArgMin": _position("argmin"),
    "Cast": _cast,
    "Ceil": _call("ceil"),
    "Clip": _clip,
    "Concat": _concat,
    "Div": _infix("/"),
    "Equal": _infix("=="),
    "Exp": _call("exp"),
    "Expand": _expand,
    "Flatten": _reshape,
    "Floor": _call("floor"),
    "Gather": _gather,
    "GlobalAveragePool": _global_mean,
    "Greater": _infix(">"),
    "GreaterOrEqual": _infix(">="),
    "HardSigmoid": _hard_sigmoid,
    "Identity": _form("{0}"),
    "LeakyRelu": _leaky,
    "Less": _infix("<"),
    "LessOrEqual": _infix("<="),
    "Log": _call("log"),
    "LogSoftmax": _log_softmax,
    "MatMul": _infix("@"),
    "Max": _nested("maximum"),
    "Min": _nested("minimum"),
    "Mul": _infix("*"),
    "Neg": _form("-{0}"),
    "Not": _call("logical_not"),
    "Or": _call("logical_or"),
    "Reciprocal": _form("1 / {0}"),
    "ReduceMax": _reduce("max"),
    "ReduceMean": _reduce("mean"),
    "ReduceMin": _reduce("min"),
    "ReduceSum": _reduce("sum"),
    "Relu": _form("np.maximum({0}, 0)"),
    "Reshape": _reshape,
    "Round": _call("round"),
    "Sigmoid": _form("1 / (1 + np.exp(-{0}))"),
    "Slice": _slice,
    "Softmax": _softmax,
    "Sqrt": _call("sqrt"),
    "Squeeze": _reshape,
    "Sub": _infix("-"),
    "Sum": _infix("+"),
    "Tanh": _call("tanh"),
    "Transpose": _transpose,
    "Unsqueeze": _reshape,
    "Where": _call("where"),
}
"""Op type to what makes its expression."""
