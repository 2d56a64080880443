"""A stage before it is on a device: its ops as launches, and what its values are."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from hetsched.backends.base import StageSpec
from hetsched.backends.null import numpy_dtype
from hetsched.backends.opencl.kernels.launch import Launch
from hetsched.backends.opencl.kernels.table import lower
from hetsched.ir.graph import Graph


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """What a value is.

    Attributes:
        shape: static.
        dtype: numpy's.
    """

    shape: tuple[int, ...]
    dtype: np.dtype

    @property
    def nbytes(self) -> int:
        """What it takes in memory."""
        return int(np.prod(self.shape, dtype=np.int64)) * self.dtype.itemsize


@dataclass(frozen=True, slots=True, kw_only=True)
class LoweredStage:
    """A stage.

    Attributes:
        stage: its id.
        launches: of all its ops, in the graph's order.
        views: value to the one whose memory it is.
        values: every value that is written, comes in or goes out.
        inputs: values that come from outside and are needed.
        outputs: values that others need.
        constants: stored values that are needed.
    """

    stage: str
    launches: tuple[Launch, ...]
    views: Mapping[str, str]
    values: Mapping[str, Value]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    constants: tuple[str, ...]


def lower_stage(graph: Graph, spec: StageSpec) -> LoweredStage:
    """Lower a stage's ops.

    Raises:
        RefusedError: when one of them has no kernel; ask before.
    """
    chosen = set(spec.ops)
    launches: list[Launch] = []
    views: dict[str, str] = {}
    for op in graph.ops:
        if op.name in chosen:
            found = lower(graph, op)
            launches += found.launches
            views |= found.views
    made = {launch.writes for launch in launches} | views.keys()
    wanted = dict.fromkeys(name for launch in launches for name in launch.reads)
    needed = [name for name in (*wanted, *views.values()) if name not in made]
    outside = tuple(dict.fromkeys(needed))
    inputs = tuple(name for name in outside if name not in graph.constants)
    return LoweredStage(
        stage=spec.id,
        launches=tuple(launches),
        views=views,
        values={name: value(graph, name) for name in (*inputs, *made)},
        inputs=inputs,
        outputs=spec.outputs,
        constants=tuple(name for name in outside if name in graph.constants),
    )


def value(graph: Graph, name: str) -> Value:
    """What a static value is."""
    tensor = graph.tensors[name]
    shape = tuple(dim for dim in tensor.shape or () if dim is not None)
    return Value(shape=shape, dtype=numpy_dtype(tensor.dtype or ""))
