"""Placements without a solver: every op costs the same everywhere, and chance decides."""

import itertools
import random
from collections.abc import Sequence

from hetsched.ir.graph import Graph
from hetsched.ir.model import Model
from hetsched.place.evaluate import evaluate
from hetsched.place.placement import Stage
from hetsched.place.problem import Edge, Problem
from hetsched.place.validate import validate
from hetsched.plan.model import Plan
from tests.unit.runtime.plans import plan_of

ONE_NS = 1
FOUR_UNITS = ("u0", "u1", "u2", "u3")


def even_problem(graph: Graph, units: Sequence[str]) -> Problem:
    """Every op a group of its own that costs the same on every unit."""
    index = {op.name: i for i, op in enumerate(graph.ops)}
    copies = tuple(tuple(0 if a == b else ONE_NS for b in units) for a in units)
    edges = []
    for name in graph.tensors:
        producer = graph.producer.get(name)
        readers = tuple(index[op.name] for op in graph.consumers.get(name, ()))
        if readers and name not in graph.constants:
            edges.append(
                Edge(
                    name=name,
                    producer=None if producer is None else index[producer.name],
                    consumers=readers,
                    size_bytes=graph.tensors[name].nbytes() or 0,
                    transfer_ns=copies,
                )
            )
    count, ops = len(units), len(graph.ops)
    return Problem(
        groups=tuple(op.name for op in graph.ops),
        units=tuple(units),
        cost_ns=((ONE_NS,) * count,) * ops,
        edges=tuple(edges),
        home=0,
        dispatch_ns=(ONE_NS,) * count,
        power_mw=(None,) * count,
        max_stages=(None,) * count,
        weights_bytes=((0,) * count,) * ops,
        memory_bytes=(None,) * count,
        refusals={},
    )


def random_plan(model: Model, seed: int, stages: int | None = None) -> Plan:
    """A valid placement over four units: a random topological order, cut at random places.

    A run of consecutive ops of a topological order is convex, and such runs depend on earlier ones
    only, so that any cuts are valid; the validator confirms it.

    Args:
        model: what is placed.
        seed: same seed, same plan.
        stages: how many; by default 2 to 40, small numbers as likely as large ones.
    """
    rng = random.Random(seed)
    problem = even_problem(model.graph, FOUR_UNITS)
    order = _random_order(problem, rng)
    wanted = stages or round(2 * 20 ** rng.random())
    cuts = sorted(rng.sample(range(1, len(order)), min(wanted, len(order)) - 1))
    bounds = [0, *cuts, len(order)]
    parts = [order[a:b] for a, b in itertools.pairwise(bounds)]
    placed = [
        Stage(unit=rng.randrange(len(FOUR_UNITS)), groups=tuple(sorted(part))) for part in parts
    ]
    validate(problem, evaluate(problem, placed))
    return plan_of(
        model,
        [(FOUR_UNITS[s.unit], [problem.groups[g] for g in s.groups]) for s in placed],
    )


def _random_order(problem: Problem, rng: random.Random) -> list[int]:
    waits_for = [len(before) for before in problem.predecessors]
    ready = [group for group, count in enumerate(waits_for) if not count]
    order = []
    while ready:
        group = ready.pop(rng.randrange(len(ready)))
        order.append(group)
        for after in problem.successors[group]:
            waits_for[after] -= 1
            if not waits_for[after]:
                ready.append(after)
    return order
