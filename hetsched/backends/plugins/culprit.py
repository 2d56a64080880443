"""Which ops it was that a compiler failed on; pure."""

from collections.abc import Callable, Sequence

from hetsched.ir.graph import Graph


def culprits(ops: Sequence[str], fails: Callable[[Sequence[str]], bool]) -> tuple[str, ...]:
    """The shortest run of ops that still fails, found by halving.

    It is one op where an op fails by itself, several where only together they do. Of several such
    runs it is the one that ends first.

    Args:
        ops: in a topological order, so that every run of them is convex; together they fail.
        fails: whether some of them, in the same order, fail.
    """
    end = _least(1, len(ops), lambda length: fails(ops[:length]))
    first = _least(0, end - 1, lambda dropped: not fails(ops[dropped + 1 : end]))
    return tuple(ops[first:end])


def _least(low: int, high: int, holds: Callable[[int], bool]) -> int:
    """The least number from `low` to `high` for which something holds; it does for `high`."""
    while low < high:
        middle = (low + high) // 2
        if holds(middle):
            high = middle
        else:
            low = middle + 1
    return low


def boundary(graph: Graph, ops: Sequence[str]) -> tuple[str, ...]:
    """Tensors that some ops make and that others, or nobody, or the caller read."""
    chosen = set(ops)
    asked = set(graph.outputs)
    return tuple(
        name
        for op in graph.ops
        if op.name in chosen
        for name in op.writes
        if name in asked
        or not graph.consumers.get(name)
        or any(reader.name not in chosen for reader in graph.consumers[name])
    )
