"""What of a model is measured and stored under a key of its own: groups, and changes of layout.

A change of layout between two of the backend's kernels is the *boundary* of a group: measured
apart from the group's own kernels, so that both are found again in other models, and charged to the
group in whose stage the backend puts it.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from hetsched.backends.ort.mapping import NCHWC_DOMAIN, is_reorder
from hetsched.cost.measured_groups import Grouping
from hetsched.cost.signature import boundary_signature, describe, group_dtype, signature
from hetsched.cost.store_records import Entry
from hetsched.ir.graph import Graph, Tensor
from hetsched.ir.parts import Node

_LAYOUTS = {NCHWC_DOMAIN: "nchwc"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """Under which the cost store keeps a piece, per unit."""

    signature: str
    form: str
    dtype: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """Kernels that are measured together.

    Attributes:
        key: see above.
        what: for people.
        group: index of the group that its time is charged to.
        nodes: indices of the optimised nodes; none where all was folded away.
        boundary: whether it is a change of layout and not a group's own work.
    """

    key: Key
    what: str
    group: int
    nodes: tuple[int, ...]
    boundary: bool = False


def key_of(entry: Entry) -> Key:
    """Under which an entry is kept."""
    return Key(signature=entry.signature, form=entry.form, dtype=entry.dtype)


def pieces(graph: Graph, nodes: Sequence[Node], grouped: Grouping) -> tuple[Piece, ...]:
    """One piece per group, in their order, then one per change of layout.

    Args:
        graph: the model's.
        nodes: optimised, in topological order.
        grouped: how both belong together.
    """
    own: list[list[int]] = [[] for _ in grouped.groups]
    boundaries = []
    for index, group in enumerate(grouped.group_of_node):
        tensor = _reordered(graph, nodes[index])
        if tensor is None:
            own[group].append(index)
        else:
            boundaries.append(_boundary(nodes[index], tensor, index, group))
    groups = [
        Piece(
            key=Key(
                signature=signature(graph, group.ops),
                form=form(nodes[index] for index in members),
                dtype=group_dtype(graph, group.ops),
            ),
            what=describe(graph, group.ops),
            group=at,
            nodes=tuple(members),
        )
        for at, (group, members) in enumerate(zip(grouped.groups, own, strict=True))
    ]
    return (*groups, *boundaries)


def form(nodes: Iterable[Node]) -> str:
    """The kernels that nodes run, each with its count: `Conv:nchwc 2, Mul`."""
    kinds = Counter(_kernel(node) for node in nodes)
    return ", ".join(f"{kind} {n}" if n > 1 else kind for kind, n in sorted(kinds.items()))


def _kernel(node: Node) -> str:
    layout = _LAYOUTS.get(node.domain)
    return node.op_type if layout is None else f"{node.op_type}:{layout}"


def _reordered(graph: Graph, node: Node) -> Tensor | None:
    """The model's tensor whose layout a node changes, None for any other node."""
    if not is_reorder(node):
        return None
    names = (*node.inputs, *node.outputs)
    return next((graph.tensors[name] for name in names if name in graph.tensors), None)


def _boundary(node: Node, tensor: Tensor, index: int, group: int) -> Piece:
    shape = "x".join(str(dim) for dim in tensor.shape or ())
    return Piece(
        key=Key(
            signature=boundary_signature(node.op_type, tensor),
            form=_kernel(node),
            dtype=tensor.dtype or "",
        ),
        what=f"{node.op_type} {shape}",
        group=group,
        nodes=(index,),
        boundary=True,
    )
