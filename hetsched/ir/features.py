"""What an op costs before any unit is known: multiply-accumulates, bytes moved, parameters."""

from dataclasses import dataclass

from hetsched.ir.graph import Graph, Op
from hetsched.ir.macs import macs
from hetsched.ir.op_class import OpClass, is_weight, op_class


@dataclass(frozen=True, slots=True, kw_only=True)
class OpFeatures:
    """Work and traffic of one op in one run, in the model's own dtypes.

    Attributes:
        op_class: kind of work.
        macs: multiply-accumulates; for If the larger branch, for Loop and Scan one iteration when
            the number of iterations isn't known.
        input_bytes: of the tensors that are made or brought at run time.
        output_bytes: of the tensors that it makes.
        weight_bytes: of the stored tensors that it reads, in the dtype they are stored in.
        params: number of elements of those.
        known: False when some shape or dtype isn't known; that tensor counts as 0 bytes then.
    """

    op_class: OpClass
    macs: int
    input_bytes: int
    output_bytes: int
    weight_bytes: int
    params: int
    known: bool


def op_features(graph: Graph, op: Op) -> OpFeatures:
    """Count the work and the traffic of an op of the graph."""
    weights = [name for name in op.reads if is_weight(graph, name)]
    activations = [name for name in op.reads if name not in set(weights)]
    sizes = [_nbytes(graph, name) for name in (*op.reads, *op.writes)]
    work = macs(graph, op)
    return OpFeatures(
        op_class=op_class(graph, op),
        macs=work or 0,
        input_bytes=sum(_nbytes(graph, name) or 0 for name in activations),
        output_bytes=sum(_nbytes(graph, name) or 0 for name in op.writes),
        weight_bytes=sum(_stored_bytes(graph, name) for name in weights),
        params=sum(graph.tensors[name].elements or 0 for name in weights),
        known=work is not None and None not in sizes,
    )


def _nbytes(graph: Graph, name: str) -> int | None:
    tensor = graph.tensors.get(name)
    return None if tensor is None else tensor.nbytes()


def _stored_bytes(graph: Graph, name: str) -> int:
    """Size of a weight in the dtype of the constant it comes from."""
    origin = name
    while origin not in graph.constants:
        origin = graph.producer[origin].inputs[0]
    return graph.tensors[name].nbytes(graph.tensors[origin].dtype) or 0
