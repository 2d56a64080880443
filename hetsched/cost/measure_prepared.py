"""A model as the backend optimised it, ready to be measured."""

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from hetsched.backends.ort.mapping import node_of_op
from hetsched.backends.ort.optimize import MODEL_FILE, Ports, optimize_region
from hetsched.cost.measured_groups import Grouping, grouping
from hetsched.cost.measured_pieces import Piece, pieces
from hetsched.ir.graph import Graph
from hetsched.ir.model import Model
from hetsched.ir.parts import NodeFile, read_nodes


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """A model's optimised graph and what of it is measured.

    Attributes:
        graph: the model's.
        folder: holds the optimised file and its weights.
        file: the optimised nodes.
        grouped: which ops went into which nodes.
        pieces: see `hetsched.cost.measured_pieces`.
        threads: of one run.
        ports: inputs and outputs of the optimised graph.
        hollow: whether large weights are zeros, which changes neither structure nor times.
    """

    graph: Graph
    folder: Path
    file: NodeFile
    grouped: Grouping
    pieces: tuple[Piece, ...]
    threads: int
    ports: Ports = field(repr=False)
    hollow: bool = False

    @cached_property
    def piece_of_node(self) -> tuple[int, ...]:
        """Index of the piece that each optimised node belongs to."""
        owner = {node: at for at, piece in enumerate(self.pieces) for node in piece.nodes}
        return tuple(owner[index] for index in range(len(self.file.nodes)))


def prepare(model: Model, threads: int, folder: Path, *, hollow: bool = False) -> Prepared:
    """Optimise a model as a plain session would.

    Args:
        model: with at least one op.
        threads: of the sessions to come.
        folder: empty; must live as long as the result.
        hollow: with zeros in place of large weights, which takes a part of the time.

    Raises:
        BackendError: when ONNX Runtime refuses the model.
    """
    graph = model.graph
    outputs = [name for name in graph.outputs if name in graph.producer]
    ports = optimize_region(model, list(graph.op), outputs, threads, folder, hollow=hollow)
    file = read_nodes(folder / MODEL_FILE)
    grouped = grouping(graph, file.nodes, node_of_op(graph, file.nodes, graph.ops))
    return Prepared(
        graph=graph,
        folder=folder,
        file=file,
        grouped=grouped,
        pieces=pieces(graph, file.nodes, grouped),
        threads=threads,
        ports=ports,
        hollow=hollow,
    )
