"""Imported kernels as parts of a model, and what they say about its groups.

A *piece* is a set of ops with a measured time: a kernel with what the device fused into it. Groups
are what `hetsched.cost.fusion` fuses for a profile, and what plans look up; a group's time is the
sum of its pieces. Where the device fused across the border of a group, the piece's time is split in
proportion to multiply-accumulates and elements made, and the shares are `calibrated`, no longer
`measured`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from hetsched.backends.ort.mapping import head_type, node_of_op
from hetsched.cost.importing import onnxruntime
from hetsched.cost.importing.anchor import Anchored, node
from hetsched.cost.importing.record import ImportedCost
from hetsched.cost.measured_groups import grouping
from hetsched.cost.table import Group
from hetsched.errors import CostError
from hetsched.ir.features import op_features
from hetsched.ir.graph import Graph, Op
from hetsched.ir.op_class import CONV_WEIGHT
from hetsched.ir.parts import Node
from hetsched.quantity import Origin

_FREE = frozenset(
    {"Reshape", "Squeeze", "Unsqueeze", "Flatten", "Identity", "QuantizeLinear", "DequantizeLinear"}
)
"""No part of a fused time: views change the shape that a buffer is seen with, not the buffer;
integer kernels have their scales built in and run no quantisation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """Ops with a time.

    Attributes:
        ops: names in the graph's order.
        at: where the time stands in the file, the largest part of it; empty for ops that left no
            kernel.
        latency_ns: sum of its rows.
        low_ns: sum of theirs.
        high_ns: sum of theirs.
        tick_ns: how far rounding may have changed the time.
        runs: least of its rows.
        origin: `measured`, or `calibrated` for a share of a measured time.
    """

    ops: tuple[str, ...]
    at: str
    latency_ns: int
    low_ns: int
    high_ns: int
    tick_ns: int
    runs: int
    origin: Origin = Origin.MEASURED


def pieces(
    graph: Graph, rows: Sequence[ImportedCost], anchored: Anchored, groups: Sequence[Group]
) -> tuple[Piece, ...]:
    """What the device ran as one.

    Args:
        graph: the model's.
        rows: with the scope `op`.
        anchored: their ops.
        groups: what hetsched would fuse: in a table that isn't complete, a kernel takes those ops
            of its head's group along that have no row of their own.

    Raises:
        CostError: when a row was measured at another shape.
    """
    found = _of_all(graph, rows, anchored) if anchored.complete else _some(rows, anchored, groups)
    made_up = {row.at for row, ops in zip(rows, anchored.ops, strict=True) if not ops}
    for ops, members in found:
        for row in members:
            if row.at not in made_up:
                _check_shape(graph, row, ops)
    return tuple(_piece(graph, ops, members) for ops, members in found)


def _of_all(
    graph: Graph, rows: Sequence[ImportedCost], anchored: Anchored
) -> list[tuple[tuple[str, ...], list[ImportedCost]]]:
    """Every op of the model is in one piece: what has no row was fused into a neighbour."""
    nodes = _chain(graph, rows, anchored)
    grouped = grouping(graph, nodes, node_of_op(graph, nodes, graph.ops))
    members: list[list[ImportedCost]] = [[] for _ in grouped.groups]
    for row, group in zip(rows, grouped.group_of_node, strict=True):
        members[group].append(row)
    return [(group.ops, rows) for group, rows in zip(grouped.groups, members, strict=True)]


def _chain(graph: Graph, rows: Sequence[ImportedCost], anchored: Anchored) -> list[Node]:
    """Rows as nodes that read each other in turn: one without an op is charged to the one before.

    The names of what they read and make hold a zero byte, which no tensor's name does. Only ONNX
    Runtime's kernels have op types of ONNX; others get that of their op.
    """
    found = []
    for index, (row, ops) in enumerate(zip(rows, anchored.ops, strict=True)):
        base = node(row)
        foreign = bool(ops) and row.framework != onnxruntime.NAME
        before = (f"\x00{index - 1}",) if index else ()
        found.append(
            Node(
                name=ops[0] if ops else base.name,
                op_type=graph.op[ops[0]].op_type if foreign else base.op_type,
                domain=base.domain,
                inputs=before,
                outputs=(f"\x00{index}",),
                reads=before,
            )
        )
    return found


def _some(
    rows: Sequence[ImportedCost], anchored: Anchored, groups: Sequence[Group]
) -> list[tuple[tuple[str, ...], list[ImportedCost]]]:
    """Only what has a row, and what is fused into it for certain."""
    owner = {op: index for index, ops in enumerate(anchored.ops) for op in ops}
    taken: dict[int, list[str]] = {index: list(ops) for index, ops in enumerate(anchored.ops)}
    for group in groups:
        if group.name in owner:
            taken[owner[group.name]] += [op for op in group.ops if op not in owner]
    return [(tuple(ops), [rows[index]]) for index, ops in taken.items() if ops]


def _piece(graph: Graph, ops: Iterable[str], rows: Sequence[ImportedCost]) -> Piece:
    order = {op.name: index for index, op in enumerate(graph.ops)}
    return Piece(
        ops=tuple(sorted(ops, key=order.__getitem__)),
        at=max(rows, key=lambda row: row.latency_ns).at if rows else "",
        latency_ns=sum(row.latency_ns for row in rows),
        low_ns=sum(row.low_ns for row in rows),
        high_ns=sum(row.high_ns for row in rows),
        tick_ns=sum(row.tick_ns for row in rows),
        runs=max(1, min((row.runs for row in rows), default=1)),
    )


def _check_shape(graph: Graph, row: ImportedCost, ops: Iterable[str]) -> None:
    """See that a convolution made one of the shapes that its ops make.

    Channels may be padded to the kernel's block and aren't compared. Other kernels aren't either:
    an optimiser moves transpositions across them.
    """
    if not row.outputs or head_type(node(row)) not in CONV_WEIGHT:
        return
    have = [graph.tensors[name].shape for op in ops for name in graph.op[op].writes]
    alike = [shape for shape in have if shape is not None and len(shape) == len(row.outputs[0])]
    seen = row.outputs[0][:1] + row.outputs[0][2:]
    if not alike or any(None in shape or shape[:1] + shape[2:] == seen for shape in alike):
        return
    raise CostError(
        f"{row.at}: output_type_shape {_text(row.outputs[0])}, but the model makes "
        f"{_text(alike[0])} there: give the sizes that were profiled with --shape; "
        f"nothing was imported"
    )


def _text(shape: Sequence[int | None]) -> str:
    return "x".join(str(dim) for dim in shape)


def group_costs(
    graph: Graph, groups: Sequence[Group], found: Sequence[Piece]
) -> Mapping[str, Piece]:
    """A time per group (by name) whose ops are all in some piece."""
    holder = {op: index for index, piece in enumerate(found) for op in piece.ops}
    group_of = {op: group.name for group in groups for op in group.ops}
    shares = [_shares(graph, piece, group_of) for piece in found]
    made: dict[str, Piece] = {}
    for group in groups:
        if not all(op in holder for op in group.ops):
            continue
        parts = list(dict.fromkeys(holder[op] for op in group.ops))
        made[group.name] = _sum(group, [(found[at], shares[at][group.name]) for at in parts])
    return made


def _shares(graph: Graph, piece: Piece, group_of: Mapping[str, str]) -> dict[str, float]:
    """Which part of a piece's time goes to which group; the shares add up to 1."""
    names = list(dict.fromkeys(group_of[op] for op in piece.ops))
    if len(names) == 1:
        return {names[0]: 1.0}
    weight = dict.fromkeys(names, 0.0)
    for op in piece.ops:
        weight[group_of[op]] += _weight(graph, graph.op[op])
    total = sum(weight.values())
    if not total:
        return dict.fromkeys(names, 1 / len(names))
    return {name: value / total for name, value in weight.items()}


def _weight(graph: Graph, op: Op) -> float:
    if op.op_type in _FREE:
        return 0.0
    made = sum(graph.tensors[name].elements or 0 for name in op.writes)
    return float(max(1, op_features(graph, op).macs + made))


def _sum(group: Group, parts: Sequence[tuple[Piece, float]]) -> Piece:
    whole = all(share in (0.0, 1.0) for _, share in parts)
    return Piece(
        ops=group.ops,
        at=max(parts, key=lambda part: part[0].latency_ns * part[1])[0].at,
        latency_ns=round(sum(piece.latency_ns * share for piece, share in parts)),
        low_ns=round(sum(piece.low_ns * share for piece, share in parts)),
        high_ns=round(sum(piece.high_ns * share for piece, share in parts)),
        tick_ns=round(sum(piece.tick_ns * share for piece, share in parts)),
        runs=min(piece.runs for piece, _ in parts),
        origin=Origin.MEASURED if whole else Origin.CALIBRATED,
    )
