"""Scenario 3: which ops the host does before and after what a target runs.

What a target doesn't run is cut off together with all that comes after it (a tail) or before it (a
head), as long as that leaves the host little to multiply. Pure functions of a graph; `packing`
makes one tensor of several outputs, `hosted` makes files of the parts.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_

from hetsched.ir.graph import Graph
from hetsched.ir.macs import macs

MAX_HOST_SHARE = 0.05
"""Share of a model's multiply-accumulates that may go to the host. Assumed: the host is a CPU of
about a tenth of an accelerator's rate, so that its part then takes half as long as the main part at
most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """A graph in three parts, each op in exactly one, in the graph's order.

    A part's `inputs` are tensors that it reads and doesn't make (no constants), its `outputs` those
    that it makes for another part or for the caller. Model inputs that only the tail reads aren't
    the main part's: the host has them already. An output of the model that the head or the main
    part makes is an output of that part; the tail doesn't hand it on.

    Attributes:
        head: ops that the host does first.
        main: ops for the target.
        tail: ops that the host does last.
        middle: ops of the main part that the target doesn't run.
        head_inputs: of the head.
        head_outputs: of the head.
        main_inputs: of the main part.
        main_outputs: of the main part.
        tail_inputs: of the tail: outputs of the main part, of the head, and inputs of the model.
        tail_outputs: of the tail.
        host_macs: multiply-accumulates of head and tail.
        macs: of the whole model.
    """

    head: tuple[str, ...]
    main: tuple[str, ...]
    tail: tuple[str, ...]
    middle: tuple[str, ...]
    head_inputs: tuple[str, ...]
    head_outputs: tuple[str, ...]
    main_inputs: tuple[str, ...]
    main_outputs: tuple[str, ...]
    tail_inputs: tuple[str, ...]
    tail_outputs: tuple[str, ...]
    host_macs: int
    macs: int

    @property
    def is_whole(self) -> bool:
        """Whether the host has nothing to do."""
        return not self.head and not self.tail


def split(
    graph: Graph, blocked: Collection[str], *, max_host_share: float = MAX_HOST_SHARE
) -> Split:
    """Cut off the smallest tail and head that hold what a target doesn't run.

    The smallest tail with an op is the op and all that depends on it; the smallest head, the op
    and all that it depends on. An op goes where that costs fewer multiply-accumulates, then fewer
    ops; it stays in the main part's middle where both would take the host over its share. Where
    nothing would be left for the target, nothing is cut off.

    Args:
        graph: the model's.
        blocked: names of ops that the target doesn't run.
        max_host_share: of the model's multiply-accumulates, what head and tail may have together.
    """
    weights = {op.name: macs(graph, op) or 0 for op in graph.ops}
    cutter = _Cutter(graph, weights, max_host_share * sum(weights.values()))
    wanted = [op.name for op in graph.ops if op.name in set(blocked)]
    for name in reversed(wanted):
        cutter.cut(name, to_tail=True, only_if_cheaper=True)
    for name in wanted:
        cutter.cut(name, to_tail=False)
    for name in reversed(wanted):
        cutter.cut(name, to_tail=True)
    if len(cutter.head) + len(cutter.tail) == len(graph.ops):
        return split_at(graph, blocked=blocked)
    return split_at(graph, head=cutter.head, tail=cutter.tail, blocked=blocked)


def split_at(
    graph: Graph,
    *,
    head: Collection[str] = (),
    tail: Collection[str] = (),
    blocked: Collection[str] = (),
) -> Split:
    """The parts that a chosen head and tail make.

    Args:
        graph: the model's.
        head: op names, closed under what they depend on.
        tail: op names, closed under what depends on them.
        blocked: names of ops that the target doesn't run.
    """
    names = [op.name for op in graph.ops]
    main = [name for name in names if name not in head and name not in tail]
    parts = ([n for n in names if n in head], main, [n for n in names if n in tail])
    ends = [_ends(graph, part) for part in parts]
    return Split(
        head=tuple(parts[0]),
        main=tuple(main),
        tail=tuple(parts[2]),
        middle=tuple(name for name in main if name in blocked),
        head_inputs=ends[0][0],
        head_outputs=ends[0][1],
        main_inputs=ends[1][0],
        main_outputs=ends[1][1],
        tail_inputs=ends[2][0],
        tail_outputs=ends[2][1],
        host_macs=sum(macs(graph, graph.op[name]) or 0 for name in (*parts[0], *parts[2])),
        macs=sum(macs(graph, op) or 0 for op in graph.ops),
    )


class _Cutter:
    """Grows a tail and a head, never over the host's share.

    Sets of ops are bits by position in the graph: a thousand ops have a thousand closures.
    """

    def __init__(self, graph: Graph, weights: Mapping[str, int], limit: float) -> None:
        self._names = [op.name for op in graph.ops]
        self._weights = weights
        self._left = limit
        self._after = _closures(self._names[::-1], self._names, graph.readers)
        self._before = _closures(self._names, self._names, graph.makers)
        self._head, self._tail = 0, 0

    @property
    def head(self) -> set[str]:
        """Names of the ops cut off at the front."""
        return set(self._listed(self._head))

    @property
    def tail(self) -> set[str]:
        """Names of the ops cut off at the end."""
        return set(self._listed(self._tail))

    def cut(self, name: str, *, to_tail: bool, only_if_cheaper: bool = False) -> None:
        """Move an op with all beyond it out of the main part, if the host may take that."""
        after, before = self._after[name] & ~self._tail, self._before[name] & ~self._head
        if not after or not before:  # it is cut off already
            return
        mine, other = (after, before) if to_tail else (before, after)
        cost = self._cost(mine)
        if cost[0] > self._left or (only_if_cheaper and cost > self._cost(other)):
            return
        self._left -= cost[0]
        if to_tail:
            self._tail |= mine
        else:
            self._head |= mine

    def _cost(self, bits: int) -> tuple[int, int]:
        """Multiply-accumulates, and how many ops."""
        return sum(self._weights[name] for name in self._listed(bits)), bits.bit_count()

    def _listed(self, bits: int) -> list[str]:
        return [name for at, name in enumerate(self._names) if bits >> at & 1]


def _closures(
    order: Sequence[str], names: Sequence[str], beyond: Mapping[str, Iterable[str]]
) -> dict[str, int]:
    """Per op, the op and all beyond it.

    Args:
        order: comes to each op after what is directly beyond it.
        names: give the bits.
        beyond: op to its neighbours on that side.
    """
    bit = {name: 1 << at for at, name in enumerate(names)}
    found: dict[str, int] = {}
    for name in order:
        found[name] = reduce(or_, (found[other] for other in beyond[name]), bit[name])
    return found


def _ends(graph: Graph, ops: Collection[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Tensors that a part reads from outside, in the graph's order, and that others need of it."""
    inside = set(ops)
    made = [name for op in ops for name in graph.op[op].writes]
    reads = {name for op in ops for name in graph.op[op].reads} - set(made) - graph.constants
    outputs = tuple(
        name
        for name in made
        if name in graph.outputs
        or any(reader.name not in inside for reader in graph.consumers.get(name, ()))
    )
    return tuple(name for name in graph.tensors if name in reads), outputs
