"""What the remedy of each blocking op costs: found by searching, not by running anything."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from hetsched.convert.adapt import Adapted, adapt
from hetsched.convert.check import Blocker
from hetsched.convert.price import Price
from hetsched.convert.remaining import REFITTED
from hetsched.convert.target import Target
from hetsched.ir.graph import Graph, Op, Tensor
from hetsched.ir.model import Model
from hetsched.quantity import format_bytes


def priced(
    model: Model,
    target: Target,
    blockers: Sequence[Blocker],
    price: Price,
    show: Callable[[float], str],
) -> tuple[Blocker, ...]:
    """The same blockers, each with the scenario that does resolve it and what that costs.

    Args:
        model: the blockers' model.
        target: that they block.
        blockers: from `hetsched.convert.check.blockers`.
        price: of ops on the target.
        show: puts a price into words.
    """
    adapted = adapt(model, target, price=price, certified=False)
    made = {one.op: one for one in adapted.outcome.rewrites}

    def told(blocker: Blocker) -> Blocker:
        rewrite = made.get(blocker.op)
        if rewrite is not None:
            before = price(alone(model.graph, model.graph.op[blocker.op]))
            words = ", ".join(rewrite.made) or "nothing"
            return replace(
                blocker,
                scenario=rewrite.scenario,
                remedy=f"becomes {words}",
                cost=f"{show(rewrite.cost)} in place of {show(before)}",
            )
        return _by_host(adapted, model.graph, blocker)

    return tuple(told(blocker) for blocker in blockers)


def _by_host(adapted: Adapted, graph: Graph, blocker: Blocker) -> Blocker:
    parts = adapted.parts
    share = f"{parts.host_macs / parts.macs if parts.macs else 0:.2%} of multiply-accumulates"
    for part, word, names in (
        (parts.tail, "tail", parts.tail_inputs),
        (parts.head, "head", parts.head_outputs),
    ):
        if blocker.op in part:
            crossing = _bytes(adapted.outcome.model.graph, names)
            cost = f"{len(part)} ops on the host with {share}, {format_bytes(crossing)} handed over"
            return replace(blocker, scenario=3, remedy=f"in the {word}", cost=cost)
    op = graph.op[blocker.op]
    data = [name for name in (*op.reads, *op.writes) if name not in graph.constants]
    cost = f"{format_bytes(_bytes(graph, data))} to the host and back"
    scenario = 2 if op.op_type in REFITTED else 4
    return replace(blocker, scenario=scenario, cost=cost)


def _bytes(graph: Graph, names: Sequence[str]) -> int:
    return sum(graph.tensors[name].nbytes() or 0 for name in names if name in graph.tensors)


def alone(graph: Graph, op: Op) -> Graph:
    """One op as a graph of its own, for pricing."""
    names = (*op.reads, *op.writes)
    tensors: dict[str, Tensor] = {name: graph.tensors[name] for name in names}
    return Graph(
        ops=(op,),
        tensors=tensors,
        inputs=tuple(name for name in op.reads if name not in graph.constants),
        outputs=op.writes,
        constants=frozenset(name for name in op.reads if name in graph.constants),
        values={name: graph.values[name] for name in op.reads if name in graph.values},
    )
