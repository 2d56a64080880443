"""What makes two groups of ops the same work, whatever their names and whichever model has them.

A group's signature is a digest of its ops' types, attributes, and the shapes and dtypes of all that
they read and make, constants by shape and not by value, and of how they are wired. Neither names
nor the order in which a file lists them go in: colours are refined along the wires until they tell
apart what can be told apart (Weisfeiler and Leman's way), and the sorted colours are the signature.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256

from hetsched.ir.graph import Attribute, Graph, Op, Tensor

VERSION = 1
"""Part of every digest: raise it when equal groups get another digest than before."""

_WINDOWED = frozenset(
    {"Conv", "ConvInteger", "QLinearConv", "ConvTranspose", "AveragePool", "MaxPool", "LpPool"}
)
_WEIGHTED = frozenset({"Conv", "ConvInteger", "QLinearConv", "ConvTranspose"})
_NEUTRAL = {
    "auto_pad": "NOTSET", "group": 1, "ceil_mode": 0, "count_include_pad": 0, "storage_order": 0,
}  # fmt: skip
_NEUTRAL_ITEM = {"dilations": 1, "strides": 1, "pads": 0, "output_padding": 0}
"""Attributes that say the same when they are left out. Source: the ONNX operator specifications."""

_COERCING = frozenset({"Softmax", "LogSoftmax", "Hardmax"})
_COERCING_BELOW = 13
"""Before this opset they worked on a matrix. Source: as above."""

_DIMS = 6


def signature(graph: Graph, ops: Sequence[str]) -> str:
    """Digest of a group of ops, in hexadecimal: equal for equal work.

    Args:
        graph: the model's.
        ops: names of the group's ops, in any order.

    Raises:
        KeyError: for an op that the graph doesn't have.
    """
    return _signature(graph, [graph.op[name] for name in ops])


def boundary_signature(kind: str, tensor: Tensor) -> str:
    """Digest of a change of layout.

    Args:
        kind: of the backend's node that does it, `ReorderOutput`.
        tensor: whose layout changes.
    """
    return _hash([VERSION, "boundary", kind, *_tensor(tensor)])


def describe(graph: Graph, ops: Sequence[str]) -> str:
    """A group for people: `Conv+Relu 1x3x48x192 -> 1x8x24x96`.

    Args:
        graph: the model's.
        ops: names of the group's ops, in the graph's order.
    """
    types = [graph.op[name].op_type for name in ops]
    kinds = "+".join(types[:3]) + (f"+{len(types) - 3} more" if len(types) > 3 else "")
    made = {name for op in ops for name in graph.op[op].writes}
    reads = [name for op in ops for name in graph.op[op].reads]
    inputs = [name for name in reads if name not in made and name not in graph.constants]
    outputs = graph.op[ops[-1]].writes
    return f"{kinds} {_shape(graph, inputs)} -> {_shape(graph, outputs)}"


def group_dtype(graph: Graph, ops: Sequence[str]) -> str:
    """The dtype that a group computes in: int8 where quantised values go in, else its floats'.

    Args:
        graph: the model's.
        ops: names of the group's ops.
    """
    dtypes = {graph.tensors[name].dtype for op in ops for name in graph.op[op].reads}
    if dtypes & {"int8", "uint8"}:
        return "int8"
    for dtype in ("float32", "float16", "bfloat16", "float64"):
        if dtype in dtypes:
            return dtype
    return next(iter(sorted(dtype for dtype in dtypes if dtype)), "float32")


def _signature(graph: Graph, ops: Sequence[Op]) -> str:
    tensors = _tensors(graph, ops)
    colours = {op.name: _hash(_op(op)) for op in ops}
    count = 0
    while len(set(colours.values()) | set(tensors.values())) > count:
        count = len(set(colours.values()) | set(tensors.values()))
        colours, tensors = _refined(ops, colours, tensors)
    return _hash([VERSION, sorted(colours.values()), sorted(tensors.values())])


def _refined(
    ops: Sequence[Op], colours: Mapping[str, str], tensors: Mapping[str, str]
) -> tuple[dict[str, str], dict[str, str]]:
    """One round: each op learns of its tensors, then each tensor of its ops."""
    fresh = {
        op.name: _hash(
            [
                colours[op.name],
                [tensors.get(name, "") for name in op.inputs],
                [tensors.get(name, "") for name in op.outputs],
                [tensors.get(name, "") for name in op.captures],
            ]
        )
        for op in ops
    }
    ends: dict[str, list[tuple[str, int, str]]] = {name: [] for name in tensors}
    for op in ops:
        for role, names in (("in", op.inputs), ("out", op.outputs), ("captured", op.captures)):
            for at, name in enumerate(names):
                if name:
                    ends[name].append((role, at, fresh[op.name]))
    return fresh, {name: _hash([tensors[name], sorted(row)]) for name, row in ends.items()}


def _tensors(graph: Graph, ops: Sequence[Op]) -> dict[str, str]:
    """A first colour per tensor that the ops touch: what it is, and whether it must be kept."""
    held = {op.name for op in ops}
    made = {name for op in ops for name in op.writes}
    found = {}
    for name in dict.fromkeys(name for op in ops for name in (*op.reads, *op.writes)):
        readers = {op.name for op in graph.consumers.get(name, ())}
        inside = name in made and bool(readers & held)
        kept = inside and (bool(readers - held) or name in graph.outputs)
        role = "constant" if name in graph.constants else "inner" if inside else "outer"
        found[name] = _hash([role, kept, *_tensor(graph.tensors.get(name))])
    return found


def _tensor(tensor: Tensor | None) -> list[object]:
    return [None, None] if tensor is None else [tensor.dtype, tensor.shape]


def _op(op: Op) -> list[object]:
    version = op.opset if op.op_type in _COERCING and op.opset < _COERCING_BELOW else None
    attributes = sorted(
        (key, value) for key, value in op.attributes.items() if not _is_neutral(op, key, value)
    )
    bodies = sorted((key, _signature(body, body.ops)) for key, body in op.bodies.items())
    return [op.domain, op.op_type, version, attributes, bodies]


def _is_neutral(op: Op, key: str, value: Attribute) -> bool:
    if op.op_type not in _WINDOWED:
        return False
    if key == "kernel_shape":
        return op.op_type in _WEIGHTED
    if key in _NEUTRAL_ITEM:
        return isinstance(value, tuple) and all(item == _NEUTRAL_ITEM[key] for item in value)
    return key in _NEUTRAL and value == _NEUTRAL[key]


def _hash(content: object) -> str:
    text = json.dumps(content, separators=(",", ":"), sort_keys=True)
    return sha256(text.encode()).hexdigest()[:32]


def _shape(graph: Graph, names: Iterable[str]) -> str:
    """The shape of the first tensor that has one."""
    for name in names:
        shape = graph.tensors[name].shape
        if shape is not None:
            return "x".join("?" if dim is None else str(dim) for dim in shape[:_DIMS]) or "scalar"
    return "?"
