"""Ops that no unit runs with its software, and ONNX Runtime on the host's CPU does: host stages.

A host stage is part of a subgraph on the profile's home and costs what the home unit's rates say:
the same CPU does it.
"""

from collections.abc import Mapping, Sequence

from hetsched.convert.capability import table_refusals
from hetsched.ir.graph import Graph
from hetsched.plan.model import HostStage, Subgraph
from hetsched.soc.profile import Profile

HOST = ("onnxruntime", "cpu")
"""The table of what runs host stages."""


def hosted(
    graph: Graph, profile: Profile, refused: Mapping[tuple[str, str], str]
) -> tuple[Mapping[tuple[str, str], str], frozenset[str], tuple[str, ...]]:
    """Let the home CPU run what every unit refuses and ONNX Runtime takes.

    Args:
        graph: the model's.
        profile: the SoC.
        refused: (op, unit) to why the unit doesn't run the op.

    Returns:
        The refusals that are left, names of the ops that are in host stages, and what the user is
        told about them.
    """
    home = next(unit for unit in profile.units if unit.name == profile.home)
    nowhere = {
        op.name
        for op in graph.ops
        if all((op.name, unit.name) in refused for unit in profile.units)
    }
    if not nowhere or home.kind != "cpu":
        return refused, frozenset(), ()
    ops = frozenset(nowhere - table_refusals(graph, HOST).keys())
    kept = {key: why for key, why in refused.items() if key[1] != home.name or key[0] not in ops}
    return kept, ops, _notes(graph, profile, refused, ops)


def host_stages(parts: Sequence[Subgraph], ops: frozenset[str]) -> tuple[HostStage, ...]:
    """Which subgraphs hold them."""
    found = ((part.id, tuple(op for op in part.ops if op in ops)) for part in parts)
    return tuple(HostStage(name=name, ops=inside) for name, inside in found if inside)


def _notes(
    graph: Graph, profile: Profile, refused: Mapping[tuple[str, str], str], ops: frozenset[str]
) -> tuple[str, ...]:
    """One line an op type."""
    types: dict[str, list[str]] = {}
    for op in graph.ops:
        if op.name in ops:
            types.setdefault(op.op_type, []).append(op.name)
    return tuple(
        f"host stage: {len(names)} {op_type} run on no unit ({refused[names[0], profile.home]}); "
        f"ONNX Runtime (for custom ops NumPy) on {profile.home} does them, at that unit's "
        f"estimated cost"
        for op_type, names in types.items()
    )
