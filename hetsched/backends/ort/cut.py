"""Cutting an optimised region at its stages' boundaries."""

import graphlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from hetsched.backends.ort.optimize import Ports
from hetsched.backends.ort.session import make_session
from hetsched.ir.graph import Graph
from hetsched.ir.parts import NodeFile, Port

_RENAMED = {"float32": "float", "float64": "double"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """One stage's part of an optimised region.

    Attributes:
        nodes: indices into the region's nodes; those that nobody needs are left out.
        inputs: names, in the order of their first use.
        outputs: names: what others outside the region want, then what other pieces read.
    """

    nodes: tuple[int, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Cut:
    """An optimised region and how it falls into pieces.

    Attributes:
        file: the region; its weights lie beside it.
        stage_of_node: index of the stage, for every node.
        wanted: per stage, the tensors that others outside the region need from it.
    """

    file: NodeFile
    stage_of_node: Sequence[int]
    wanted: Sequence[Sequence[str]]

    @cached_property
    def maker(self) -> Mapping[str, int]:
        """The node that makes a value."""
        return {
            name: index
            for index, node in enumerate(self.file.nodes)
            for name in node.outputs
            if name
        }

    @cached_property
    def live(self) -> frozenset[int]:
        """Nodes that something wanted depends on."""
        found: set[int] = set()
        queue = [self.maker[name] for row in self.wanted for name in row if name in self.maker]
        while queue:
            index = queue.pop()
            if index not in found:
                found.add(index)
                reads = self.file.nodes[index].reads
                queue.extend(self.maker[name] for name in reads if name in self.maker)
        return frozenset(found)

    @cached_property
    def pieces(self) -> tuple[Piece, ...]:
        """One piece per stage."""
        nodes: list[list[int]] = [[] for _ in self.wanted]
        outputs = [dict.fromkeys(row) for row in self.wanted]
        inputs: list[dict[str, None]] = [{} for _ in self.wanted]
        for index in sorted(self.live):
            stage = self.stage_of_node[index]
            nodes[stage].append(index)
            for name in self.file.nodes[index].reads:
                made_by = self.made_in(name)
                if made_by != stage and name not in self.file.initializers:
                    inputs[stage][name] = None
                    if made_by is not None:
                        outputs[made_by][name] = None
        return tuple(
            Piece(nodes=tuple(n), inputs=tuple(i), outputs=tuple(o))
            for n, i, o in zip(nodes, inputs, outputs, strict=True)
        )

    def made_in(self, name: str) -> int | None:
        """The stage that makes a value, None for a region input or a stored value."""
        return self.stage_of_node[self.maker[name]] if name in self.maker else None

    def makes_wanted(self) -> bool:
        """Whether every stage itself makes what others want from it, or has it stored."""
        return all(
            name in self.file.initializers or self.made_in(name) == stage
            for stage, row in enumerate(self.wanted)
            for name in row
        )


def write_pieces(
    graph: Graph, cut: Cut, ports: Ports, folder: Path, threads: int
) -> tuple[str | None, ...]:
    """Write one file per stage, which loads without further optimising.

    Args:
        graph: the model's.
        cut: of one region.
        ports: the region's inputs and outputs.
        folder: where the region's weights are, and the files go.
        threads: of the sessions to come.

    Returns:
        The files' names; None for a stage of which optimising left nothing.

    Raises:
        BackendError: when ONNX Runtime refuses a piece.
    """
    types = {
        port.name: Port(name=port.name, kind=port.kind, shape=port.shape) for port in ports.inputs
    }
    files: list[str | None] = [None] * len(cut.pieces)
    for stage in _order(cut):
        piece = cut.pieces[stage]
        if not piece.outputs:
            continue
        path = folder / f"part{stage}.onnx"
        inputs = [types[name] for name in piece.inputs]
        if cut.file.has_bodies:  # a branch may be for inputs of another shape
            inputs = [replace(port, shape=None) for port in inputs]
        cut.file.save_part(piece.nodes, inputs, [Port(name=name) for name in piece.outputs], path)
        files[stage] = path.name
        types.update((name, _declared(graph, name)) for name in piece.outputs)
        if any(types[name].shape is None for name in piece.outputs):
            session = make_session(path, threads=threads, optimize=False)
            types.update((port.name, _inferred(port)) for port in session.get_outputs())
    return tuple(files)


def _order(cut: Cut) -> list[int]:
    """Stages such that each comes after those whose values it reads."""
    waits = {
        stage: {made for name in piece.inputs if (made := cut.made_in(name)) is not None}
        for stage, piece in enumerate(cut.pieces)
    }
    return list(graphlib.TopologicalSorter(waits).static_order())


def _declared(graph: Graph, name: str) -> Port:
    """A value's type and shape as far as the model tells them."""
    tensor = graph.tensors.get(name)
    if tensor is None or tensor.dtype is None or not tensor.is_static:
        return Port(name=name)
    kind = f"tensor({_RENAMED.get(tensor.dtype, tensor.dtype)})"
    return Port(name=name, kind=kind, shape=tensor.shape)


def _inferred(port: Any) -> Port:
    """A value's type and shape as ONNX Runtime infers them. It shows no shape as an empty one.

    Knowing them lets it plan the memory of the piece that reads the value.
    """
    shape = tuple(port.shape)
    static = bool(shape) and all(isinstance(dim, int) for dim in shape)
    return Port(name=port.name, kind=port.type, shape=shape if static else None)
