"""What a replacement costs, where no SoC says: its work.

A price is a number to compare replacements by; times come from a SoC's cost model, which
`hetsched.place.rewrites` hands in.
"""

from collections.abc import Callable
from typing import TypeAlias

from hetsched.ir.graph import Graph
from hetsched.ir.macs import macs

Price: TypeAlias = Callable[[Graph], float]
"""The cost of some ops, in a unit of its own."""

VIEWS = frozenset({"Flatten", "Identity", "Reshape", "Squeeze", "Unsqueeze"})
"""Ops that move no element."""


def work(graph: Graph) -> float:
    """Multiply-accumulates, and elements read and written by ops that move any.

    Both count alike: no hardware is known here. Parts whose size isn't known count as nothing.
    """
    total = 0
    for op in graph.ops:
        total += macs(graph, op) or 0
        if op.op_type not in VIEWS:
            total += sum(graph.tensors[name].elements or 0 for name in (*op.reads, *op.writes))
    return total
