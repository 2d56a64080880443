"""Stages with custom ops that ONNX Runtime lacks: cut at those ops, which NumPy runs."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from hetsched.backends.base import Buffer, Executable, HostValue, StageSpec
from hetsched.backends.ort.values import HostBuffer
from hetsched.errors import BackendError, ModelError
from hetsched.ir.custom import custom_op, needs_reference, run_reference
from hetsched.ir.graph import Graph, Op
from hetsched.ir.model import Model


def has_custom(graph: Graph, stages: Sequence[StageSpec]) -> bool:
    """Whether some stage has an op that runs by its NumPy reference."""
    return any(_is_custom(graph.op[name]) for stage in stages for name in stage.ops)


def compile_cut(
    compile_plain: Callable[[Model, Sequence[StageSpec]], Sequence[Executable]],
    model: Model,
    stages: Sequence[StageSpec],
) -> list[Executable]:
    """Compile stages, each cut into sections at its custom ops.

    Args:
        compile_plain: compiles stages without custom ops, all in one call.
        model: the stages' model.
        stages: with and without custom ops.

    Raises:
        BackendError: naming the op that can't be taken and why.
    """
    cut = [_sections(model.graph, stage) for stage in stages]
    plain = [section for row in cut for section in row if not _starts_custom(model.graph, section)]
    made = dict(zip([spec.id for spec in plain], compile_plain(model, plain), strict=True))
    found: list[Executable] = []
    for stage, row in zip(stages, cut, strict=True):
        parts = [made.get(spec.id) or ReferenceExecutable(model, spec) for spec in row]
        found.append(parts[0] if len(parts) == 1 else ChainedExecutable(stage.id, parts))
    return found


class ReferenceExecutable:
    """One custom op, run by its NumPy reference.

    Attributes:
        inputs: names of what it reads, constants left out.
        outputs: names of what it makes.
    """

    def __init__(self, model: Model, spec: StageSpec) -> None:
        """Take the stored values that the op reads."""
        from hetsched.ir.constants import constant  # heavy

        self._op = model.graph.op[spec.ops[0]]
        stored = [name for name in self._op.reads if name in model.graph.constants]
        self._constants = {name: constant(model, name) for name in stored}
        self._dtypes = [model.graph.tensors[name].dtype for name in self._op.writes]
        self.inputs = tuple(name for name in self._op.reads if name not in self._constants)
        self.outputs = self._op.writes

    def run(self, values: Mapping[str, Buffer | HostValue]) -> Sequence[Buffer]:
        """Run on the calling thread.

        Raises:
            BackendError: naming the op, when its reference fails or makes something else.
        """
        custom = custom_op(self._op.domain, self._op.op_type)
        if custom is None:
            raise BackendError(
                f"op {self._op.name!r}: {self._op.op_type} isn't registered any more"
            )
        given = [self._value(name, values) if name else None for name in self._op.inputs]
        try:
            made = run_reference(custom, given, self._op.attributes)
        except ModelError as error:
            raise BackendError(f"op {self._op.name!r}: {error}") from error
        if len(made) != len(self._op.outputs):
            raise BackendError(
                f"op {self._op.name!r}: its reference made {len(made)} outputs instead of "
                f"{len(self._op.outputs)}"
            )
        kept = [array for array, name in zip(made, self._op.outputs, strict=True) if name]
        pairs = zip(kept, self._dtypes, strict=True)
        return [HostBuffer(np.asarray(array, dtype)) for array, dtype in pairs]

    def _value(self, name: str, values: Mapping[str, Buffer | HostValue]) -> np.ndarray:
        if name in self._constants:
            return self._constants[name]
        value = values[name]
        if isinstance(value, np.ndarray):
            return value
        if value is None or isinstance(value, list):
            raise BackendError(f"op {self._op.name!r}: {name!r} is no tensor")
        return value.numpy()


@dataclass(frozen=True, slots=True)
class ChainedExecutable:
    """Sections of one stage, one after the other.

    Attributes:
        stage: its id.
        parts: in the order of computation.
    """

    stage: str
    parts: Sequence[Executable]

    @property
    def inputs(self) -> tuple[str, ...]:
        """What no earlier section makes."""
        made: set[str] = set()
        read: dict[str, None] = {}
        for part in self.parts:
            read.update(dict.fromkeys(name for name in part.inputs if name not in made))
            made.update(part.outputs)
        return tuple(read)

    @property
    def outputs(self) -> tuple[str, ...]:
        """What all sections make."""
        return tuple(name for part in self.parts for name in part.outputs)

    def run(self, values: Mapping[str, Buffer | HostValue]) -> Sequence[Buffer]:
        """Run on the calling thread.

        Raises:
            BackendError: naming the section or op that fails.
        """
        known = dict(values)
        made: list[Buffer] = []
        for part in self.parts:
            buffers = part.run(known)
            known.update(zip(part.outputs, buffers, strict=True))
            made.extend(buffers)
        return made


def _is_custom(op: Op) -> bool:
    return needs_reference(op.domain, op.op_type)


def _starts_custom(graph: Graph, spec: StageSpec) -> bool:
    return _is_custom(graph.op[spec.ops[0]])


def _sections(graph: Graph, stage: StageSpec) -> list[StageSpec]:
    """Runs of ops in the graph's order; each custom op is one of its own.

    A run of a convex set in topological order is convex itself.
    """
    order = {op.name: at for at, op in enumerate(graph.ops)}
    names = sorted(stage.ops, key=order.__getitem__)
    runs: list[tuple[str, ...]] = []
    for is_custom, group in groupby(names, key=lambda name: _is_custom(graph.op[name])):
        members = tuple(group)
        runs.extend([(name,) for name in members] if is_custom else [members])
    if len(runs) == 1:
        return [stage]
    return [
        StageSpec(id=f"{stage.id}.{at}", ops=run, outputs=_outputs(graph, run, stage.outputs))
        for at, run in enumerate(runs)
    ]


def _outputs(graph: Graph, run: tuple[str, ...], wanted: tuple[str, ...]) -> tuple[str, ...]:
    inside = set(run)
    return tuple(
        name
        for op in run
        for name in graph.op[op].writes
        if name in wanted or any(r.name not in inside for r in graph.consumers.get(name, ()))
    )
