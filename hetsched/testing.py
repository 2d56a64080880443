"""Builders for tests, users' too: small graphs and placement problems, random ones from a seed."""

import random
from collections.abc import Callable, Mapping, Sequence

from hetsched.ir.graph import Graph, Op, Tensor
from hetsched.place.problem import Edge, Problem


def chain_graph(*op_types: str, shape: tuple[int, ...] = (1, 8, 16, 16)) -> Graph:
    """Ops one after the other, each reading the one before: `x -> op0 -> op1 -> ... -> y`.

    Args:
        op_types: ONNX operator types of one input and one output, such as `Relu`.
        shape: of every tensor.
    """
    names = ["x", *(f"t{i}" for i in range(1, len(op_types))), "y"]
    ops = tuple(
        Op(name=f"{op_type}_{i}", op_type=op_type, opset=17, inputs=(before,), outputs=(after,))
        for i, (op_type, before, after) in enumerate(
            zip(op_types, names[:-1], names[1:], strict=True)
        )
    )
    tensors = {name: Tensor(name=name, dtype="float32", shape=shape) for name in names}
    return Graph(ops=ops, tensors=tensors, inputs=("x",), outputs=("y",), constants=frozenset())


def make_problem(
    cost_ns: Sequence[Sequence[int | None]],
    links: Sequence[tuple[int | None, Sequence[int]]],
    *,
    copy_ns: int | Sequence[int] = 10,
    dispatch_ns: int | Sequence[int] = 5,
    home: int = 0,
    power_mw: Sequence[float | None] | None = None,
    max_stages: Sequence[int | None] | None = None,
    weights_bytes: Sequence[Sequence[int]] | None = None,
    memory_bytes: Sequence[int | None] | None = None,
    refusals: Mapping[tuple[int, int], str] | None = None,
    priority: Sequence[int] = (),
    cpus: Sequence[int] = (),
) -> Problem:
    """A placement problem from its numbers: groups `g0, g1, ...`, units `u0, u1, ...`.

    Args:
        cost_ns: `[group][unit]`, None where the unit can't run the group.
        links: per tensor its producer (None for a model input) and its consumers.
        copy_ns: of one copy between any two units; one for all tensors, or one per tensor.
        dispatch_ns: one for all units, or one per unit.
        home: unit that holds the model's inputs.
        power_mw: per unit; 1000 each by default.
        max_stages: per unit; no limit by default.
        weights_bytes: `[group][unit]`; 0 by default.
        memory_bytes: per unit; no limit by default.
        refusals: (group, unit) to the reason for a None.
        priority: units in the order of claiming.
        cpus: units that are CPUs.
    """
    units = len(cost_ns[0])
    copies = [copy_ns] * len(links) if isinstance(copy_ns, int) else list(copy_ns)
    edges = tuple(
        Edge(
            name=f"t{index}",
            producer=producer,
            consumers=tuple(consumers),
            size_bytes=copies[index],
            transfer_ns=_uniform(units, copies[index]),
        )
        for index, (producer, consumers) in enumerate(links)
    )
    return Problem(
        groups=tuple(f"g{index}" for index in range(len(cost_ns))),
        units=tuple(f"u{index}" for index in range(units)),
        cost_ns=tuple(tuple(row) for row in cost_ns),
        edges=edges,
        home=home,
        dispatch_ns=(dispatch_ns,) * units if isinstance(dispatch_ns, int) else tuple(dispatch_ns),
        power_mw=(1000.0,) * units if power_mw is None else tuple(power_mw),
        max_stages=(None,) * units if max_stages is None else tuple(max_stages),
        weights_bytes=((0,) * units,) * len(cost_ns)
        if weights_bytes is None
        else tuple(tuple(row) for row in weights_bytes),
        memory_bytes=(None,) * units if memory_bytes is None else tuple(memory_bytes),
        refusals=dict(refusals or {}),
        priority=tuple(priority),
        cpus=tuple(cpus),
    )


def _uniform(units: int, copy_ns: int) -> tuple[tuple[int, ...], ...]:
    return tuple(tuple(0 if a == b else copy_ns for b in range(units)) for a in range(units))


def random_problem(
    seed: int,
    groups: int = 6,
    units: int = 3,
    *,
    branching: float = 0.4,
    refused: float = 0.1,
    cost_ns: tuple[int, int] = (1_000, 100_000),
    copy_ns: tuple[int, int] = (500, 30_000),
    dispatch_ns: tuple[int, int] = (1_000, 20_000),
    max_stages: bool = False,
    memory: bool = False,
) -> Problem:
    """A feasible random problem: unit 0 (home) runs every group.

    Groups form a connected DAG of model-like shape: each reads the group before it or, with
    probability `branching`, one or two of the eight before it. Costs are a group's weight times a
    unit's speed times some noise.

    Args:
        seed: same seed and arguments, same problem.
        groups: number of groups.
        units: number of units.
        branching: 0 makes a chain.
        refused: probability that a unit other than home can't run a group.
        cost_ns: range of a group's cost on home.
        copy_ns: range of a tensor's copy.
        dispatch_ns: range of a unit's dispatch.
        max_stages: also cap the stages of some units other than home.
        memory: also cap the memory of some units other than home.
    """
    rng = random.Random(seed)
    speeds = [1.0, *(rng.uniform(0.3, 2.0) for _ in range(units - 1))]
    costs = [_random_costs(rng, speeds, refused, rng.randint(*cost_ns)) for _ in range(groups)]
    readers = _random_readers(rng, groups, branching)
    edges = tuple(
        Edge(
            name=f"t{index}",
            producer=producer,
            consumers=tuple(consumers),
            size_bytes=(size := rng.randint(*copy_ns)),
            transfer_ns=_random_transfer(rng, units, size),
        )
        for index, (producer, consumers) in enumerate(readers)
    )
    weights = tuple((rng.randint(0, 100),) * units for _ in range(groups))
    total = sum(row[0] for row in weights)
    return Problem(
        groups=tuple(f"g{index}" for index in range(groups)),
        units=tuple(f"u{index}" for index in range(units)),
        cost_ns=tuple(costs),
        edges=edges,
        home=0,
        dispatch_ns=tuple(rng.randint(*dispatch_ns) for _ in range(units)),
        power_mw=tuple(float(rng.randint(200, 4000)) for _ in range(units)),
        max_stages=_random_caps(rng, units, max_stages, lambda: rng.randint(1, 2)),
        weights_bytes=weights,
        memory_bytes=_random_caps(rng, units, memory, lambda: rng.randint(0, total)),
        refusals={
            (group, unit): "by chance"
            for group, row in enumerate(costs)
            for unit, cost in enumerate(row)
            if cost is None
        },
        cpus=(0,),
    )


def _random_costs(
    rng: random.Random, speeds: Sequence[float], refused: float, weight: int
) -> tuple[int | None, ...]:
    """Costs of one group on every unit."""
    row: list[int | None] = [weight]
    for speed in speeds[1:]:
        cost = round(weight * speed * rng.uniform(0.5, 1.8))
        row.append(None if rng.random() < refused else cost)
    return tuple(row)


def _random_readers(
    rng: random.Random, groups: int, branching: float
) -> list[tuple[int | None, list[int]]]:
    """Per tensor its producer and consumers: the model's input first, then one per group read."""
    found: dict[int | None, list[int]] = {None: [0]}
    for group in range(1, groups):
        before = {group - 1}
        if rng.random() < branching:
            count = rng.randint(1, 2)
            before = {rng.randint(max(0, group - 8), group - 1) for _ in range(count)}
        if rng.random() < branching / 8:
            found[None].append(group)
        for producer in sorted(before):
            found.setdefault(producer, []).append(group)
    return list(found.items())


def _random_transfer(rng: random.Random, units: int, size: int) -> tuple[tuple[int, ...], ...]:
    """Costs of one copy between any two units, dearer one way than the other."""
    return tuple(
        tuple(0 if a == b else round(size * rng.uniform(0.7, 1.3)) for b in range(units))
        for a in range(units)
    )


def _random_caps(
    rng: random.Random, units: int, wanted: bool, draw: Callable[[], int]
) -> tuple[int | None, ...]:
    """A cap for about half of the units other than home."""
    return (
        None,
        *(draw() if wanted and rng.random() < 0.5 else None for _ in range(units - 1)),
    )
