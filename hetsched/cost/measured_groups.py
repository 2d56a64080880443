"""Groups of ops that a backend fused, from the backend's own optimised nodes.

Groups must be placeable: each op in one of them, and the graph of groups without a cycle. (Fusion
can put two ops into one node though a path between them leads through another node: such nodes
become one group.)
"""

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter

from hetsched.cost.table import Group
from hetsched.ir.features import op_features
from hetsched.ir.graph import Graph
from hetsched.ir.parts import Node


@dataclass(frozen=True, kw_only=True)
class Grouping:
    """How a model's ops and the optimised nodes belong together.

    Attributes:
        groups: in a topological order; together they hold every op once.
        group_of_node: per optimised node, the index of the group that its time is charged to.
    """

    groups: tuple[Group, ...]
    group_of_node: tuple[int, ...]


def grouping(graph: Graph, nodes: Sequence[Node], node_of_op: Mapping[str, int | None]) -> Grouping:
    """Group the ops by the optimised node that they went into.

    An op that went nowhere (folded away, with all around it) is a group of its own. A node that no
    op went into (a change of layout, mostly) is charged to the group that it reads from, where the
    backend puts it when it cuts; one that reads from none to the group that reads it first.

    Args:
        graph: the model's.
        nodes: optimised, in topological order.
        node_of_op: see `hetsched.backends.ort.mapping`.
    """
    if not graph.ops:
        return Grouping(groups=(), group_of_node=(0,) * len(nodes))
    labels = _merge_cycles(graph, _labels(graph, node_of_op))
    order = _order(graph, labels)
    index = {label: position for position, label in enumerate(order)}
    members: list[list[str]] = [[] for _ in order]
    for op in graph.ops:
        members[index[labels[op.name]]].append(op.name)
    owner = {node: index[labels[op]] for op, node in node_of_op.items() if node is not None}
    return Grouping(
        groups=tuple(Group(name=_head(graph, ops), ops=tuple(ops)) for ops in members),
        group_of_node=_charge(nodes, owner),
    )


def _labels(graph: Graph, node_of_op: Mapping[str, int | None]) -> dict[str, int]:
    """A number per op: that of its node, or a negative one of its own."""
    labels = {}
    for position, op in enumerate(graph.ops):
        node = node_of_op.get(op.name)
        labels[op.name] = -1 - position if node is None else node
    return labels


def _predecessors(graph: Graph, labels: Mapping[str, int]) -> dict[int, dict[int, None]]:
    """Groups that each group reads from, in the order of the graph."""
    before: dict[int, dict[int, None]] = {}
    for op in graph.ops:
        own = labels[op.name]
        row = before.setdefault(own, {})
        for name in op.reads:
            if name in graph.producer and labels[graph.producer[name].name] != own:
                row[labels[graph.producer[name].name]] = None
    return before


def _merge_cycles(graph: Graph, labels: dict[str, int]) -> dict[str, int]:
    """Make one group of groups that wait for each other, until none do."""
    merged = dict(labels)
    while True:
        sorter = TopologicalSorter(_predecessors(graph, merged))
        try:
            sorter.prepare()
        except CycleError as error:
            cycle = set(error.args[1])
            merged = {op: min(cycle) if n in cycle else n for op, n in merged.items()}
        else:
            return merged


def _order(graph: Graph, labels: Mapping[str, int]) -> list[int]:
    """A topological order of the groups, as near to the graph's order as it can be."""
    before = _predecessors(graph, labels)
    first = {label: position for position, label in enumerate(before)}
    after: dict[int, list[int]] = {}
    for label, row in before.items():
        for above in row:
            after.setdefault(above, []).append(label)
    missing = {label: len(row) for label, row in before.items()}
    ready = [(first[label], label) for label, count in missing.items() if not count]
    heapq.heapify(ready)
    order = []
    while ready:
        _, label = heapq.heappop(ready)
        order.append(label)
        for below in after.get(label, ()):
            missing[below] -= 1
            if not missing[below]:
                heapq.heappush(ready, (first[below], below))
    return order


def _head(graph: Graph, ops: Sequence[str]) -> str:
    """The op with the most arithmetic, the first of equals."""
    if len(ops) == 1:
        return ops[0]
    return max(ops, key=lambda name: op_features(graph, graph.op[name]).macs)


def _charge(nodes: Sequence[Node], owner: Mapping[int, int]) -> tuple[int, ...]:
    """A group for each node: its own, or else its maker's, or else its first reader's."""
    maker = {name: index for index, node in enumerate(nodes) for name in node.outputs if name}
    readers: dict[int, list[int]] = {}
    found = dict(owner)
    for index, node in enumerate(nodes):
        above = [maker[name] for name in node.reads if name in maker]
        for producer in above:
            readers.setdefault(producer, []).append(index)
        groups = [found[producer] for producer in above if producer in found]
        if groups:
            found.setdefault(index, max(groups))
    for index in reversed(range(len(nodes))):
        groups = [found[reader] for reader in readers.get(index, ()) if reader in found]
        found.setdefault(index, min(groups, default=0))
    return tuple(found[index] for index in range(len(nodes)))
