"""Which stage each optimised node belongs to; pure."""

import graphlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from hetsched.backends.base import StageSpec
from hetsched.backends.ort.mapping import anchors, node_of_op
from hetsched.errors import BackendError
from hetsched.ir.graph import Graph
from hetsched.ir.parts import Node


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """What an attempt to cut an optimised region came to.

    Attributes:
        stage_of_node: index into the stages per node; empty when `protect` isn't.
        protect: tensors at stage boundaries that were fused away, to be declared as outputs.
    """

    stage_of_node: tuple[int, ...]
    protect: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Order:
    """Which parts of the model run before which.

    A part is a stage of this backend, or a single op that runs elsewhere.

    Attributes:
        stage_of_op: index of the stage, for ops of this backend.
        part_of_op: number of the part, for every op; a stage's number is its index.
        before: per part, a bit set of the parts that it waits for.
    """

    stage_of_op: Mapping[str, int]
    part_of_op: Mapping[str, int]
    before: Mapping[int, int]

    def allows(self, earlier: int, later: int) -> bool:
        """Whether `later` may read what `earlier` makes: it waits for it anyway."""
        return earlier == later or bool(self.before[later] >> earlier & 1)


def order(graph: Graph, stages: Sequence[StageSpec]) -> Order:
    """Order stages among all the model's ops.

    Raises:
        BackendError: when two stages share an op or wait for each other.
    """
    stage_of_op: dict[str, int] = {}
    for index, stage in enumerate(stages):
        for name in stage.ops:
            if name in stage_of_op:
                raise BackendError(f"op {name!r} is in two stages, of which one is {stage.id!r}")
            stage_of_op[name] = index
    part_of_op = dict(stage_of_op)
    for op in graph.ops:
        part_of_op.setdefault(op.name, len(stages) + len(part_of_op))
    waits: dict[int, set[int]] = {part: set() for part in part_of_op.values()}
    for op in graph.ops:
        for name in op.reads:
            if name in graph.producer:
                waits[part_of_op[op.name]].add(part_of_op[graph.producer[name].name])
    for part, earlier in waits.items():
        earlier.discard(part)
    return Order(stage_of_op=stage_of_op, part_of_op=part_of_op, before=_closure(waits, stages))


def _closure(waits: Mapping[int, set[int]], stages: Sequence[StageSpec]) -> dict[int, int]:
    before: dict[int, int] = {}
    try:
        for part in graphlib.TopologicalSorter(waits).static_order():
            bits = 0
            for earlier in waits[part]:
                bits |= before[earlier] | 1 << earlier
            before[part] = bits
    except graphlib.CycleError as error:
        ids = [stages[part].id for part in dict.fromkeys(error.args[1]) if part < len(stages)]
        raise BackendError(f"stages {', '.join(ids)} wait for each other: no convex cut") from error
    return before


def assign(
    graph: Graph, nodes: Sequence[Node], stage_of_op: Mapping[str, int], declared: Iterable[str]
) -> Assignment:
    """Give every optimised node of a region to one stage.

    Args:
        graph: the model's.
        nodes: the optimised region, in topological order.
        stage_of_op: the region's ops.
        declared: tensors that were declared as outputs of the region.
    """
    ops = [op for op in graph.ops if op.name in stage_of_op]
    members: dict[int, list[str]] = {}
    for name, index in node_of_op(graph, nodes, ops).items():
        if index is not None:
            members.setdefault(index, []).append(name)
    kept = set(declared)
    protect: dict[str, None] = {}
    for fused in members.values():
        protect.update(
            dict.fromkeys(t for t in _inside(graph, fused, stage_of_op) if t not in kept)
        )
    if protect:
        return Assignment(stage_of_node=(), protect=tuple(protect))
    stage_of_node: list[int | None] = [None] * len(nodes)
    for index, anchor in enumerate(anchors(graph, nodes)):
        if anchor is not None and anchor in stage_of_op:
            stage_of_node[index] = stage_of_op[anchor]
    return Assignment(stage_of_node=_spread(nodes, stage_of_node), protect=())


def _inside(graph: Graph, fused: Sequence[str], stage_of_op: Mapping[str, int]) -> list[str]:
    """Tensors between ops of one fused node that are in different stages."""
    held = set(fused)
    return [
        tensor
        for name in fused
        for tensor in graph.op[name].writes
        if any(
            reader.name in held and stage_of_op[reader.name] != stage_of_op[name]
            for reader in graph.consumers.get(tensor, ())
        )
    ]


def _spread(nodes: Sequence[Node], known: list[int | None]) -> tuple[int, ...]:
    """Give the nodes that stand for no op (reorders, reshapes) to a neighbour's stage.

    The producers' where there is one, since then every reader of the result waits for that stage
    anyway; else the first reader's.
    """
    maker = {name: index for index, node in enumerate(nodes) for name in node.outputs if name}
    readers: dict[int, list[int]] = {}
    for index, node in enumerate(nodes):
        above = [maker[name] for name in node.reads if name in maker]
        for producer in above:
            readers.setdefault(producer, []).append(index)
        stages = [stage for producer in above if (stage := known[producer]) is not None]
        if known[index] is None and stages:
            known[index] = max(stages)
    for index in reversed(range(len(nodes))):
        below = [s for reader in readers.get(index, ()) if (s := known[reader]) is not None]
        if known[index] is None:
            known[index] = min(below, default=0)
    return tuple(stage or 0 for stage in known)


def respects(
    graph: Graph, nodes: Sequence[Node], stage_of_node: Sequence[int], waiting: Order
) -> bool:
    """Whether stages read only what they wait for anyway, so that any dispatch order stays right.

    Not so where the optimiser merged equal ops of two stages, say.
    """
    maker = {name: index for index, node in enumerate(nodes) for name in node.outputs if name}
    for index, node in enumerate(nodes):
        for name in node.reads:
            if name in maker:
                earlier = stage_of_node[maker[name]]
            elif name in graph.producer:
                earlier = waiting.part_of_op[graph.producer[name].name]
            else:
                continue
            if not waiting.allows(earlier, stage_of_node[index]):
                return False
    return True
