"""Multiply-accumulates of an op, counted from its shapes."""

from collections.abc import Sequence
from math import prod

from hetsched.ir.custom import custom_op
from hetsched.ir.graph import Graph, Op
from hetsched.ir.op_class import ATTENTION, CONV_TRANSPOSE_WEIGHT, CONV_WEIGHT, MATMUL_INPUTS

_RECURRENT = frozenset({"LSTM", "GRU", "RNN", "DynamicQuantizeLSTM"})
_GEMM = frozenset({"Gemm", "QGemm", "FusedGemm", "GemmFloat8"})


def macs(graph: Graph, op: Op) -> int | None:
    """Multiply-accumulates of one run; 0 for ops that don't multiply matrices.

    A bias, an activation and other elementwise work count as nothing, as is usual in the field.

    Returns:
        None when a shape that the count needs isn't known.
    """
    try:
        return _macs(graph, op)
    except _UnknownShapeError:
        return None


class _UnknownShapeError(Exception):
    """A shape that a count needs isn't known; never leaves this module."""


def _macs(graph: Graph, op: Op) -> int:
    if op.op_type in CONV_WEIGHT:
        return _conv(graph, op)
    if op.op_type in CONV_TRANSPOSE_WEIGHT:
        return _conv_transpose(graph, op)
    if op.op_type == "Einsum":
        return _einsum(graph, op)
    if op.op_type in MATMUL_INPUTS:
        return _matmul(graph, op)
    if op.op_type in _RECURRENT:
        return _recurrent(graph, op)
    if op.op_type in ATTENTION:
        return _attention(graph, op)
    if op.bodies:
        return _control(graph, op)
    if op.domain and (custom := custom_op(op.domain, op.op_type)) is not None and custom.macs:
        return custom.macs([graph.tensors[name] for name in op.reads], op.attributes)
    return 0


def _control(graph: Graph, op: Op) -> int:
    """If: the larger branch. Loop, Scan: one iteration times their number, 1 where unknown.

    A branch whose shapes can't be inferred doesn't count beside one whose shapes can: exporters
    write branches for other input sizes.
    """
    each = [_body(body) for body in op.bodies.values()]
    known = [work for work in each if work is not None]
    if not known or (op.op_type != "If" and len(known) < len(each)):
        raise _UnknownShapeError
    if op.op_type == "If":
        return max(known)
    return sum(known) * iterations(graph, op)


def _body(body: Graph) -> int | None:
    try:
        return sum(_macs(body, inner) for inner in body.ops)
    except _UnknownShapeError:
        return None


def iterations(graph: Graph, op: Op) -> int:
    """How often an op's body runs: 1 for an If, and where that isn't known before it runs."""
    if op.op_type == "Loop":
        trips = graph.values.get(op.inputs[0], (1,))[0] if op.inputs else 1
        return trips if isinstance(trips, int) and 0 < trips < 2**31 else 1
    if op.op_type == "Scan":
        return _scanned(graph, op)
    return 1


def _scanned(graph: Graph, op: Op) -> int:
    scanned = _int(op, "num_scan_inputs", 1)
    axes = op.attributes.get("scan_input_axes", (0,))
    axis = axes[0] if isinstance(axes, tuple) and isinstance(axes[0], int) else 0
    try:
        return _shape(graph, op.inputs, len(op.inputs) - scanned)[axis]
    except _UnknownShapeError:
        return 1


def _shape(graph: Graph, names: Sequence[str], index: int) -> tuple[int, ...]:
    tensor = graph.tensors.get(names[index]) if index < len(names) else None
    if tensor is None or tensor.shape is None or None in tensor.shape:
        raise _UnknownShapeError
    return tuple(dim for dim in tensor.shape if dim is not None)


def _int(op: Op, name: str, default: int) -> int:
    value = op.attributes.get(name, default)
    return value if isinstance(value, int) else default


def _conv(graph: Graph, op: Op) -> int:
    """Output elements x C / group x kernel; NHWC variants have the same count."""
    weight = _shape(graph, op.inputs, CONV_WEIGHT[op.op_type])
    return prod(_shape(graph, op.outputs, 0)) * prod(weight[1:])


def _conv_transpose(graph: Graph, op: Op) -> int:
    """Input elements x M / group x kernel: each input element is spread over one kernel."""
    weight = _shape(graph, op.inputs, CONV_TRANSPOSE_WEIGHT[op.op_type])
    return prod(_shape(graph, op.inputs, 0)) * prod(weight[1:])


def _matmul(graph: Graph, op: Op) -> int:
    """Output elements x length of the contracted dimension."""
    if op.op_type == "MatMulNBits":
        return prod(_shape(graph, op.outputs, 0)) * _int(op, "K", 0)
    left = _shape(graph, op.inputs, MATMUL_INPUTS[op.op_type][0])
    transposed = op.op_type not in ("MatMul", "MatMulInteger", "QLinearMatMul") and _int(
        op, "transA", 0
    )
    if not left:
        raise _UnknownShapeError
    contracted = left[-2] if transposed and len(left) > 1 else left[-1]
    return prod(_shape(graph, op.outputs, 0)) * contracted


def _einsum(graph: Graph, op: Op) -> int:
    """Product of all index lengths, once per factor after the first."""
    equation = str(op.attributes.get("equation", "")).replace(" ", "")
    terms = equation.partition("->")[0].split(",")
    lengths: dict[str, int] = {}
    for index, term in enumerate(terms):
        for label, length in _labelled(term, _shape(graph, op.inputs, index)):
            lengths[label] = max(length, lengths.get(label, 0))
    return prod(lengths.values()) * (len(terms) - 1)


def _labelled(term: str, shape: tuple[int, ...]) -> list[tuple[str, int]]:
    """Labels of a term with their lengths; what `...` stands for is numbered from the right."""
    before, dots, after = term.partition("...")
    hidden = len(shape) - len(before) - len(after)
    middle = [f"...{position}" for position in range(hidden, 0, -1)] if dots else []
    return list(zip([*before, *middle, *after], shape, strict=False))


def _recurrent(graph: Graph, op: Op) -> int:
    """Steps x batch x elements of the input and the recurrence weights (all directions)."""
    steps, batch, _ = _shape(graph, op.inputs, 0)
    if _int(op, "layout", 0):
        steps, batch = batch, steps
    weights = prod(_shape(graph, op.inputs, 1)) + prod(_shape(graph, op.inputs, 2))
    return steps * batch * weights


def _attention(graph: Graph, op: Op) -> int:
    """Scores (query x key) and their product with the values, and what projects the input."""
    if op.op_type == "Attention" and op.domain == "com.microsoft":
        return _projecting_attention(graph, op)
    query, key = _shape(graph, op.inputs, 0), _shape(graph, op.inputs, 1)
    out = _shape(graph, op.outputs, 0)
    past = _past_length(graph, op)
    if len(query) == 4:
        return prod(query[:3]) * (key[2] + past) * (query[3] + out[-1])
    return query[0] * query[1] * (key[1] + past) * (query[2] + out[-1])


def _past_length(graph: Graph, op: Op) -> int:
    """Keys kept from earlier: ai.onnx has them as input 4, laid out (N, heads, length, size)."""
    if op.domain == "" and len(op.inputs) > 4 and op.inputs[4]:
        return _shape(graph, op.inputs, 4)[2]
    return 0


def _projecting_attention(graph: Graph, op: Op) -> int:
    """The contributed Attention: input (N, S, C) x weights (C, 3 H), then scores over S keys."""
    batch, length, _ = _shape(graph, op.inputs, 0)
    weights = _shape(graph, op.inputs, 1)
    hidden = _shape(graph, op.outputs, 0)[-1]
    return batch * length * prod(weights) + 2 * batch * length * length * hidden
