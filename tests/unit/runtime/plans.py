"""Plans made by hand: which ops run where, without a solver."""

from collections.abc import Sequence

from hetsched.ir.graph import Graph
from hetsched.ir.model import Model
from hetsched.plan.model import ModelRef, Objective, Options, Plan, ProfileRef, Subgraph
from hetsched.quantity import Origin


def plan_of(model: Model, parts: Sequence[tuple[str, Sequence[str]]]) -> Plan:
    """A plan of (unit, ops) in dispatch order; every stage is predicted to take 1 us."""
    subgraphs = tuple(
        _subgraph(model.graph, f"s{i}", unit, ops, i) for i, (unit, ops) in enumerate(parts)
    )
    return Plan(
        schema=1,
        hetsched="0.1.0",
        model=ModelRef(
            name=model.name,
            ref=model.ref,
            sha256=model.sha256,
            ops=len(model.graph.ops),
            shapes=model.shapes,
            prepared_sha256=model.prepared_sha256,
        ),
        profile=ProfileRef(name="by-hand", sha256="0" * 64),
        options=Options(gap=0.01, seed=0, time_limit_s=10.0),
        status="feasible",
        gap=1.0,
        objective=Objective(name="latency", value=1000 * len(parts), bound=0, unit="ns"),
        baselines={},
        latency_ns=1000 * len(parts),
        latency_low_ns=1000 * len(parts),
        latency_high_ns=1000 * len(parts),
        throughput_rps=1.0,
        energy_uj=None,
        peak_memory_bytes={},
        accuracy=None,
        subgraphs=subgraphs,
        transfers=(),
        host_stages=(),
        rewrites=(),
    )


def _subgraph(graph: Graph, name: str, unit: str, ops: Sequence[str], position: int) -> Subgraph:
    chosen = set(ops)
    made = [tensor for op in graph.ops if op.name in chosen for tensor in op.writes]
    read = dict.fromkeys(t for op in graph.ops if op.name in chosen for t in op.reads)
    outside = {t for op in graph.ops if op.name not in chosen for t in op.reads}
    return Subgraph(
        id=name,
        unit=unit,
        dtype="float32",
        ops=tuple(op.name for op in graph.ops if op.name in chosen),
        inputs=tuple(t for t in read if t not in made and t not in graph.constants),
        outputs=tuple(t for t in made if t in outside or t in graph.outputs),
        start_ns=1000 * position,
        end_ns=1000 * position + 1000,
        low_ns=1000,
        high_ns=1000,
        cost_origin=Origin.ASSUMED,
        needs=(),
        alternatives=(),
    )
