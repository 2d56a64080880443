"""What is run to measure some pieces of a model: all of it, or only the nodes of those pieces.

A part runs without the rest of its model, but its kernels must find the caches as they would in the
model. What other nodes would have handed to them is made up, or taken from one run of the whole
where values matter, and a node of the part copies it first: it is in the cache then, where the
kernel before would have left it. And between runs as much memory is swept as the rest of the model
would have gone through.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hetsched.backends.ort.optimize import MODEL_FILE
from hetsched.backends.ort_profile import Fed, Made, run_once
from hetsched.cost.measure_edges import made_up
from hetsched.cost.measure_prepared import Prepared
from hetsched.errors import BackendError
from hetsched.ir.parts import Port, fed_name
from hetsched.ir.sample import samples

_WHOLE_FILE = "whole.onnx"
_PART_FILE = "part.onnx"


@dataclass(frozen=True, kw_only=True)
class Part:
    """A file to run, with values for its inputs.

    Attributes:
        path: the file.
        feeds: per input of the file.
        piece_of_node: per node of the file the index of its piece, None for nodes that only bring
            an input into the cache.
        rest_bytes: weights that the rest of the model reads.
    """

    path: Path
    feeds: Mapping[str, Fed]
    piece_of_node: tuple[int | None, ...]
    rest_bytes: int = 0


def whole(prepared: Prepared) -> Part:
    """All of the model, with made-up data that it takes.

    Raises:
        BackendError: when it runs with none.
        ModelError: when no data can be made up.
    """
    path = prepared.folder / MODEL_FILE
    feeds, _ = _first_run(prepared, path)
    return Part(path=path, feeds=feeds, piece_of_node=prepared.piece_of_node)


def part(prepared: Prepared, wanted: Collection[int]) -> Part:
    """Only the nodes of some pieces.

    Args:
        prepared: the model.
        wanted: indices of pieces, of which one has nodes.

    Raises:
        BackendError: when ONNX Runtime refuses the part: what crosses its edges is no tensor. Or
            when the model is hollow, and what the pieces read can't be made up.
        ModelError: when no data can be made up.
    """
    nodes = prepared.file.nodes
    kept = [index for index, piece in enumerate(prepared.piece_of_node) if piece in wanted]
    inside = dict.fromkeys(name for index in kept for name in nodes[index].outputs if name)
    read = dict.fromkeys(name for index in kept for name in nodes[index].reads)
    made = {name for node in nodes for name in node.outputs if name}
    brought = [name for name in read if name in made and name not in inside]
    given = [port for port in _inputs(prepared) if port.name in read]
    feeds, values = _values(prepared, wanted, brought, [port.name for port in given])
    needed = _read_elsewhere(prepared, set(kept))
    path = prepared.folder / _PART_FILE
    prepared.file.save_part(
        kept,
        [*given, *(Port(name=name, kind=values[name].kind) for name in brought)],
        [Port(name=name) for name in inside if name in needed],
        path,
        copied=brought,
    )
    fed = {fed_name(name): values[name].value for name in brought}
    return Part(
        path=path,
        feeds={**{port.name: feeds[port.name] for port in given}, **fed},
        piece_of_node=(*[None] * len(brought), *[prepared.piece_of_node[at] for at in kept]),
        rest_bytes=_rest_bytes(prepared, wanted),
    )


def sweeper(size_bytes: int) -> Callable[[], None]:
    """Reads that much memory with each call: other data leaves the caches."""
    data = np.ones(max(1, size_bytes // 8))

    def sweep() -> None:
        data.sum()

    return sweep


def _inputs(prepared: Prepared) -> list[Port]:
    return [Port(name=p.name, kind=p.kind, shape=p.shape) for p in prepared.ports.inputs]


def _values(
    prepared: Prepared, wanted: Collection[int], brought: Sequence[str], given: Sequence[str]
) -> tuple[Mapping[str, Fed], Mapping[str, Made]]:
    """For the part's own inputs of the model, and for what other nodes make."""
    if not prepared.hollow:
        return _first_run(prepared, _with_outputs(prepared, brought))
    made = made_up(prepared, wanted, [*given, *brought])
    if made is None:
        raise BackendError("what the part reads can't be made up from types and shapes")
    return {name: made[name].value for name in given}, made


def _with_outputs(prepared: Prepared, names: Iterable[str]) -> Path:
    """The whole model, with more of its values as outputs."""
    path = prepared.folder / _WHOLE_FILE
    asked = dict.fromkeys([*prepared.file.outputs, *names])
    outputs = [Port(name=name) for name in asked]
    prepared.file.save_part(range(len(prepared.file.nodes)), _inputs(prepared), outputs, path)
    return path


def _first_run(prepared: Prepared, path: Path) -> tuple[Mapping[str, Fed], Mapping[str, Made]]:
    """Made-up data that the model takes, and what it makes of it.

    Wide integers may be masks (either value is right), sizes (1 is) or indices (0 is).
    """
    *others, last = (samples(prepared.graph, whole=number) for number in (None, 1, 0))
    for feeds in others:
        with suppress(BackendError):
            return feeds, run_once(path, feeds, prepared.threads)
    return last, run_once(path, last, prepared.threads)


def _read_elsewhere(prepared: Prepared, kept: set[int]) -> set[str]:
    """What other nodes or the model's caller read, or nobody."""
    nodes = prepared.file.nodes
    inner = {name for index in kept for name in nodes[index].reads}
    outer = {name for at, node in enumerate(nodes) if at not in kept for name in node.reads}
    made = {name for index in kept for name in nodes[index].outputs}
    return (made - inner) | outer | set(prepared.file.outputs)


def _rest_bytes(prepared: Prepared, wanted: Collection[int]) -> int:
    graph = prepared.graph
    groups = {piece.group for at, piece in enumerate(prepared.pieces) if at not in wanted}
    ops = [op for group in groups for op in prepared.grouped.groups[group].ops]
    names = {name for op in ops for name in graph.op[op].reads if name in graph.constants}
    return sum(graph.tensors[name].nbytes() or 0 for name in names)
