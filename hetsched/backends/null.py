"""A backend that computes nothing: right shapes and dtypes, zeros, and failures on demand.

It is for tests of what stands above a backend. It is never chosen as a substitute for another.
"""

import threading
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from hetsched.backends.base import Buffer, HostValue, StageSpec
from hetsched.backends.recipe import Recipe
from hetsched.errors import BackendError
from hetsched.ir.graph import Tensor
from hetsched.ir.model import Model


@dataclass(frozen=True, slots=True)
class HostBuffer:
    """An array in the host's memory."""

    array: np.ndarray

    def numpy(self) -> np.ndarray:
        """The array itself."""
        return self.array

    def host(self) -> HostValue:
        """The array itself."""
        return self.array


@dataclass(slots=True, kw_only=True)
class NullExecutable:
    """Makes zeros.

    Attributes:
        stage: id of the stage.
        inputs: the model's names of what the stage reads.
        outputs: the model's names of what it makes.
        arrays: one zero array per output.
        delay_ns: how long each run sleeps.
        failing_runs: 0-based numbers of the runs that fail.
        runs: how many runs were started.
    """

    stage: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    arrays: tuple[np.ndarray, ...]
    delay_ns: int = 0
    failing_runs: Collection[int] = ()
    runs: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def run(self, values: Mapping[str, Buffer | HostValue]) -> Sequence[Buffer]:
        """Sleep for the scripted delay, then hand out zeros.

        Raises:
            BackendError: when an input is missing, or this run is scripted to fail.
        """
        with self._lock:
            number = self.runs
            self.runs += 1
        missing = [name for name in self.inputs if name not in values]
        if missing:
            raise BackendError(f"stage {self.stage!r}: no value for its input {missing[0]!r}")
        if self.delay_ns:
            time.sleep(self.delay_ns / 1e9)
        if number in self.failing_runs:
            raise BackendError(f"stage {self.stage!r}: run {number} fails as scripted")
        return [HostBuffer(array.copy()) for array in self.arrays]


@dataclass(frozen=True, slots=True, kw_only=True)
class NullBackend:
    """Takes every stage whose outputs have static shapes.

    Attributes:
        name: shown in mappings and reports.
        delays_ns: by stage id, how long each run takes.
        failures: by stage id, the 0-based numbers of the runs that fail.
        refused_op_types: op types that `compile` refuses.
        computes: zeros are no numbers.
    """

    computes: ClassVar[bool] = False

    name: str = "null"
    delays_ns: Mapping[str, int] = field(default_factory=dict)
    failures: Mapping[str, Collection[int]] = field(default_factory=dict)
    refused_op_types: Collection[str] = ()

    def recipe(self) -> Recipe:
        """What makes another one like it."""
        return Recipe(
            factory="hetsched.backends.null:NullBackend",
            options={
                "name": self.name,
                "delays_ns": dict(self.delays_ns),
                "failures": {stage: sorted(runs) for stage, runs in self.failures.items()},
                "refused_op_types": sorted(self.refused_op_types),
            },
        )

    def compile(self, model: Model, stages: Sequence[StageSpec]) -> Sequence[NullExecutable]:
        """Make one executable per stage.

        Raises:
            BackendError: naming an op of a refused type, or one whose output has no static shape.
        """
        return [self._executable(model, stage) for stage in stages]

    def _executable(self, model: Model, stage: StageSpec) -> NullExecutable:
        graph = model.graph
        ops = [graph.op[name] for name in stage.ops]
        for op in ops:
            if op.op_type in self.refused_op_types:
                raise BackendError(
                    f"op {op.name!r}: the null backend was told to refuse {op.op_type}"
                )
        made = {name for op in ops for name in op.writes}
        reads = dict.fromkeys(name for op in ops for name in op.reads)
        return NullExecutable(
            stage=stage.id,
            inputs=tuple(n for n in reads if n not in made and n not in graph.constants),
            outputs=stage.outputs,
            arrays=tuple(_zeros(graph.tensors[name], stage.id) for name in stage.outputs),
            delay_ns=self.delays_ns.get(stage.id, 0),
            failing_runs=self.failures.get(stage.id, ()),
        )


def _zeros(tensor: Tensor, stage: str) -> np.ndarray:
    if tensor.dtype == "string" and tensor.shape is not None and None not in tensor.shape:
        return np.full([dim or 0 for dim in tensor.shape], "", dtype=object)
    if not tensor.is_static:
        raise BackendError(
            f"stage {stage!r}: the null backend needs static shapes, but {tensor.name!r} is "
            f"{tensor.dtype or 'of unknown dtype'} of shape {tensor.shape}"
        )
    return np.zeros([dim or 0 for dim in tensor.shape or ()], dtype=numpy_dtype(tensor.dtype or ""))


def numpy_dtype(name: str) -> np.dtype:
    """The numpy dtype of a tensor's dtype name; small floats and 4-bit integers from ml_dtypes.

    Raises:
        BackendError: when no such dtype exists.
    """
    try:
        return np.dtype(name)
    except TypeError:
        pass
    import ml_dtypes  # numpy lacks these; onnx requires the package

    found = getattr(ml_dtypes, _ML_NAMES.get(name, name), None)
    if found is None:
        raise BackendError(f"dtype {name!r} has no numpy form")
    dtype: np.dtype = np.dtype(found)
    return dtype


_ML_NAMES = {
    "float8e4m3fn": "float8_e4m3fn",
    "float8e4m3fnuz": "float8_e4m3fnuz",
    "float8e5m2": "float8_e5m2",
    "float8e5m2fnuz": "float8_e5m2fnuz",
    "float8e8m0": "float8_e8m0fnu",
    "float4e2m1": "float4_e2m1fn",
}
