"""A backend whose every step a test can watch, hold up or spoil; it computes with numpy."""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np

from hetsched.backends.base import Buffer, HostValue, StageSpec
from hetsched.errors import BackendError
from hetsched.ir.graph import Graph, Op, Tensor
from hetsched.ir.model import Model

SHAPE = (4,)
COMPUTE: Mapping[str, Callable[..., np.ndarray]] = {
    "Relu": lambda x: np.maximum(x, 0),
    "Neg": lambda x: -x,
    "Abs": np.abs,
    "Add": lambda a, b: a + b,
    "Mul": lambda a, b: a * b,
}


def make_model(ops: Sequence[Op], outputs: Sequence[str], inputs: Sequence[str] = ("x",)) -> Model:
    """A model of float32 vectors of length 4."""
    names = [*inputs, *(name for op in ops for name in op.writes)]
    graph = Graph(
        ops=tuple(ops),
        tensors={name: Tensor(name=name, dtype="float32", shape=SHAPE) for name in names},
        inputs=tuple(inputs),
        outputs=tuple(outputs),
        constants=frozenset(),
    )
    return Model(
        name="fake",
        ref="fake.onnx",
        sha256="1" * 64,
        shapes=dict.fromkeys(inputs, SHAPE),
        graph=graph,
        prepared_sha256="2" * 64,
        path=cast("Any", None),
        onnx=cast("Any", None),
    )


def op(name: str, op_type: str, inputs: str, output: str) -> Op:
    return Op(name=name, op_type=op_type, opset=17, inputs=tuple(inputs.split()), outputs=(output,))


DIAMOND = make_model(
    [
        op("head", "Neg", "x", "a"),
        op("left", "Relu", "a", "b"),
        op("right", "Abs", "a", "c"),
        op("tail", "Add", "b c", "y"),
    ],
    outputs=["y", "b"],
)
"""x -> head -> (left, right) -> tail; y = relu(-x) + |x| and b = relu(-x)."""


def diamond(x: np.ndarray) -> dict[str, np.ndarray]:
    return {"y": np.maximum(-x, 0) + np.abs(x), "b": np.maximum(-x, 0)}


@dataclass(frozen=True, slots=True)
class FakeBuffer:
    """A value; a private one must never be looked into by others."""

    array: np.ndarray
    private: bool = False

    def numpy(self) -> np.ndarray:
        assert not self.private, "a private value left its backend"
        return self.array

    def host(self) -> HostValue:
        return self.numpy()


@dataclass(slots=True, kw_only=True)
class FakeBackend:
    """Computes with numpy.

    Attributes:
        name: shown in messages.
        before: called with the stage's id before it runs; may block or raise.
        spoil: turns what a stage made into something else.
        threads: (stage, thread's name), as they ran.
        compiled: ids of the stages, per call of compile.
    """

    name: str = "fake"
    before: Callable[[str], None] = lambda _: None
    spoil: Callable[[str, list[Buffer]], list[Buffer]] = lambda _, made: made
    threads: list[tuple[str, str]] = field(default_factory=list)
    compiled: list[list[str]] = field(default_factory=list)

    def compile(self, model: Model, stages: Sequence[StageSpec]) -> Sequence["FakeExecutable"]:
        self.compiled.append([stage.id for stage in stages])
        unknown = [o for s in stages for o in s.ops if model.graph.op[o].op_type not in COMPUTE]
        if unknown:
            raise BackendError(f"op {unknown[0]!r}: no such arithmetic")
        inside = {name for stage in stages for name in stage.ops}
        private = {
            name
            for stage in stages
            for name in stage.outputs
            if name not in model.graph.outputs
            and all(reader.name in inside for reader in model.graph.consumers.get(name, ()))
        }
        return [FakeExecutable(self, model.graph, stage, private) for stage in stages]


class FakeExecutable:
    """Private tensors are all called `#0`, `#1`, ...: the same in every backend."""

    def __init__(
        self, backend: FakeBackend, graph: Graph, stage: StageSpec, private: set[str]
    ) -> None:
        self.backend = backend
        self.stage = stage
        self.ops = [graph.op[name] for name in stage.ops]
        self.alias = {name: f"#{i}" for i, name in enumerate(sorted(private))}
        made = {name for o in self.ops for name in o.writes}
        reads = dict.fromkeys(name for o in self.ops for name in o.reads if name not in made)
        self._reads = tuple(reads)
        self.inputs = tuple(self.alias.get(name, name) for name in reads)
        self.outputs = tuple(self.alias.get(name, name) for name in stage.outputs)

    def run(self, values: Mapping[str, Buffer | HostValue]) -> Sequence[Buffer]:
        self.backend.threads.append((self.stage.id, threading.current_thread().name))
        self.backend.before(self.stage.id)
        known = {}
        for name, alias in zip(self._reads, self.inputs, strict=True):
            value = values[alias]
            known[name] = value.array if isinstance(value, FakeBuffer) else np.asarray(value)
        for o in self.ops:
            known[o.outputs[0]] = COMPUTE[o.op_type](*(known[name] for name in o.inputs))
        made: list[Buffer] = [
            FakeBuffer(known[name], private=name in self.alias) for name in self.stage.outputs
        ]
        return self.backend.spoil(self.stage.id, made)


class Gate:
    """Holds up one stage until it is opened; `reached` tells when something waits there."""

    def __init__(self, stage: str) -> None:
        self.stage = stage
        self.reached = threading.Event()
        self._open = threading.Event()

    def __call__(self, stage: str) -> None:
        if stage == self.stage:
            self.reached.set()
            assert self._open.wait(60), "the gate was never opened"

    def open(self) -> None:
        self._open.set()
