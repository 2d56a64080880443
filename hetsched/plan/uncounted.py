"""Ops whose work can't be counted before they run."""

from hetsched.ir.features import op_features
from hetsched.ir.graph import Graph, Op


def uncounted_note(graph: Graph) -> tuple[str, ...]:
    """What a user must know of ops that are costed without their work; empty where there is none.

    Inference leaves shapes open that depend on values, and those after an op that isn't valid.
    """
    found = [op for op in graph.ops if not op_features(graph, op).known]
    if not found:
        return ()
    first = found[0]
    many = f"{len(found)} ops, the first of them {first.name!r}," if len(found) > 1 else ""
    return (
        f"{many or f'op {first.name!r}'} can't be costed in full: "
        f"{_reason(graph, first)}; what isn't known counts as nothing",
    )


def _reason(graph: Graph, op: Op) -> str:
    for name in (*op.reads, *op.writes):
        tensor = graph.tensors[name]
        if tensor.dtype is None or not tensor.is_static:
            return f"tensor {name!r} has {_shown(tensor.shape)}"
    return "its body's work isn't known"


def _shown(shape: tuple[int | None, ...] | None) -> str:
    if shape is None:
        return "no known shape"
    return "the shape " + "x".join("?" if dim is None else str(dim) for dim in shape)
