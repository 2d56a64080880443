"""Weights whose values don't matter to a backend that takes a model apart.

A backend fuses by op types, attributes, shapes, and small constants. What a convolution's or a
matrix product's weights hold changes neither that nor the time that they take, so a model can be
optimised to see its structure with zeros in their place: a file of holes, which takes no room on
the disk and no time to write.
"""

from collections.abc import Iterable
from pathlib import Path

from hetsched.ir.graph import Graph, Op

HOLES_SUFFIX = ".holes"
"""Behind the model's name: the file that all hollow weights are read from."""

_WEIGHTED = frozenset({"Conv", "ConvTranspose", "Gemm", "MatMul"})
_WEIGHTS_AT = 1
_DTYPES = frozenset({"float32", "float16"})


def hollow_weights(graph: Graph, ops: Iterable[str]) -> frozenset[str]:
    """Names of constants that are nothing but weights of convolutions and matrix products.

    Args:
        graph: the model's.
        ops: names of the ops that are looked at.
    """
    read = {
        op.inputs[_WEIGHTS_AT]
        for op in map(graph.op.__getitem__, ops)
        if op.op_type in _WEIGHTED and len(op.inputs) > _WEIGHTS_AT
    }
    return frozenset(
        name
        for name in read & graph.constants
        if graph.tensors[name].dtype in _DTYPES
        and name not in graph.outputs
        and all(_only_weights(op, name) for op in graph.consumers.get(name, ()))
    )


def make_holes(path: Path, size_bytes: int) -> None:
    """A file of zeros that takes no room where the file system has sparse files.

    Raises:
        OSError: when it can't be written.
    """
    with path.open("wb") as file:
        file.truncate(size_bytes)


def _only_weights(op: Op, name: str) -> bool:
    places = [at for at, read in enumerate(op.inputs) if read == name]
    return op.op_type in _WEIGHTED and places == [_WEIGHTS_AT] and name not in op.captures
