"""Which op of a model each imported kernel stands for."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from hetsched.backends.ort.mapping import NCHWC_DOMAIN, REORDERS, anchors, head_type
from hetsched.cost.importing import onnxruntime, tflite
from hetsched.cost.importing.record import ImportedCost
from hetsched.cost.importing.tflite_ops import anchor_kernels
from hetsched.errors import CostError
from hetsched.ir.graph import Graph
from hetsched.ir.op_class import CONV_TRANSPOSE_WEIGHT, CONV_WEIGHT, MATMUL_INPUTS
from hetsched.ir.parts import Node

_HEAVY = frozenset({*CONV_WEIGHT, *CONV_TRANSPOSE_WEIGHT, *MATMUL_INPUTS})
_COMPILED = re.compile(r"_\d+(_\d+)*$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchored:
    """Rows with the ops that they stand for.

    Attributes:
        ops: per row the ops that it names (one; several only in a CSV), none for a row that the
            tool made up (a change of layout).
        complete: whether the rows are all that ran: what has no row was fused into another.
        notes: what the user should know.
    """

    ops: tuple[tuple[str, ...], ...]
    complete: bool
    notes: tuple[str, ...] = ()


def anchor(graph: Graph, rows: Sequence[ImportedCost], *, whole_table: bool) -> Anchored:
    """Find the ops of kernels.

    Args:
        graph: the model's.
        rows: of one file, in its order, with the scope `op`.
        whole_table: whether no row of the file was left out.

    Raises:
        CostError: naming the row, what it says, and the remedy.
    """
    framework = rows[0].framework
    if framework == onnxruntime.NAME:
        return _of_onnxruntime(graph, rows, whole_table)
    if framework == tflite.NAME:
        found, by_name = anchor_kernels(graph, rows)
        note = f"{tflite.NAME}'s names aren't the model's: kernels were matched by order and kind"
        return Anchored(ops=_single(found), complete=whole_table, notes=() if by_name else (note,))
    return _of_names(graph, rows)


def _single(found: Sequence[str | None]) -> tuple[tuple[str, ...], ...]:
    return tuple(() if name is None else (name,) for name in found)


def _of_onnxruntime(graph: Graph, rows: Sequence[ImportedCost], whole_table: bool) -> Anchored:
    found = anchors(graph, [node(row) for row in rows])
    for row, name in zip(rows, found, strict=True):
        if name is not None:
            continue
        if _COMPILED.search(row.kind):
            raise CostError(
                f"{row.at}: op_name {row.kind} is a part of the model that provider {row.backend} "
                f"compiled whole: which ops it holds isn't in the file; take another "
                f"provider's rows with --only, or import the time of the whole model as CSV; "
                f"nothing was imported"
            )
        if head_type(node(row)) in _HEAVY:
            raise CostError(
                f"{row.at}: the model has no node {row.name!r} ({row.kind}): give the model that "
                f"was profiled, with its names unchanged; nothing was imported"
            )
    return Anchored(ops=_single(found), complete=whole_table)


def node(row: ImportedCost) -> Node:
    """A row as a node of an optimised graph, as far as it is known."""
    domain = NCHWC_DOMAIN if row.kind in REORDERS else ""
    return Node(name=row.name, op_type=row.kind, domain=domain, inputs=(), outputs=(), reads=())


def _of_names(graph: Graph, rows: Sequence[ImportedCost]) -> Anchored:
    found = []
    owner: dict[str, ImportedCost] = {}
    for row in rows:
        ops = tuple(_op(graph, row, name.strip()) for name in row.name.split(";"))
        for op in ops:
            other = owner.setdefault(op, row)
            if other is not row:
                raise CostError(
                    f"{row.at}: op {op!r} is in {other.at}, too: keep one; nothing was imported"
                )
        found.append(ops)
    return Anchored(ops=tuple(found), complete=False)


def _op(graph: Graph, row: ImportedCost, name: str) -> str:
    if name in graph.op:
        return name
    if name in graph.producer:
        return graph.producer[name].name
    near = get_close_matches(name, [*graph.op, *graph.producer], n=1)
    hint = f" (did you mean {near[0]!r}?)" if near else ""
    raise CostError(
        f"{row.at}: the model has neither an op nor a tensor {name!r}{hint}: "
        f"`hetsched plan MODEL --profile P --json` lists its ops; nothing was imported"
    )
