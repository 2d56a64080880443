"""A plan's host stages at the model's end, run by the host's pool: no unit waits for them.

A plan has what no unit runs with its software on the profile's home, as part of a subgraph. Where
that is at the model's end and light, the home's unit takes the next request meanwhile.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import msgspec

from hetsched.backends.base import Backend, Executable, HostValue, StageSpec, traits
from hetsched.ir.graph import Graph
from hetsched.ir.macs import macs
from hetsched.ir.model import Model
from hetsched.plan.model import Plan, Subgraph
from hetsched.runtime.host_stage import HostCall, HostStage, host_stages
from hetsched.runtime.standins import HERE
from hetsched.runtime.steps import plain


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """A plan without its tail.

    Attributes:
        head: the plan, its subgraphs without the tail's ops.
        values: that the head makes or hands through: for the caller, and for the tail.
        tail: the tail as one stage.
    """

    head: Plan
    values: tuple[str, ...]
    tail: StageSpec


class Tail:
    """What the pool calls: the head's values in, the model's outputs out.

    Args:
        graph: the model's.
        executable: the tail's, of ONNX Runtime.
    """

    releases_gil: ClassVar[bool] = True
    """While it computes: it needs no process of its own."""

    def __init__(self, graph: Graph, executable: Executable) -> None:
        self._graph = graph
        self._executable = executable

    def __call__(self, values: Mapping[str, HostValue]) -> dict[str, Any]:
        """The model's outputs by name, in its order.

        Raises:
            BackendError: when ONNX Runtime fails, or makes something else than the model says.
        """
        made = self._executable.run(values)
        pairs = zip(self._executable.outputs, made, strict=True)
        found = {**values, **{name: plain(self._graph, name, value) for name, value in pairs}}
        return {name: found[name] for name in self._graph.outputs}


def cut(plan: Plan, graph: Graph) -> Cut | None:
    """Take a plan's tail off; None where there is none."""
    if not may_have_tail(plan):
        return None
    ops = _tail(plan, graph)
    parts = [_without(part, graph, ops) for part in plan.subgraphs]
    left = tuple(part for part in parts if part.ops)
    if not ops or not left:
        return None
    written = {name for op in graph.ops if op.name in ops for name in op.writes}
    read = [
        name
        for op in graph.ops
        if op.name in ops
        for name in op.reads
        if name not in written and name not in graph.constants
    ]
    outputs = tuple(name for name in graph.outputs if name in written)
    ids = [part.id for part in plan.subgraphs if ops.intersection(part.ops)]
    names = tuple(op.name for op in graph.ops if op.name in ops)
    kept = [name for name in graph.outputs if name not in written]
    return Cut(
        head=msgspec.structs.replace(plan, subgraphs=left),
        values=tuple(dict.fromkeys((*kept, *read))),
        tail=StageSpec(id=f"tail:{'+'.join(ids)}", ops=names, outputs=outputs),
    )


def make_stage(model: Model, spec: StageSpec, *, app: str, number: int) -> HostStage:
    """A tail as a host stage, which a thread of the pool runs.

    Args:
        model: the plan's.
        spec: the tail.
        app: name of the app.
        number: its place among its app's host stages.

    Raises:
        BackendError: when ONNX Runtime doesn't take it.
    """
    from hetsched.backends.ort import OrtBackend  # heavy

    (executable,) = OrtBackend(threads=1).compile(model, [spec])
    call = HostCall(call=Tail(model.graph, executable), where="thread")
    (stage,) = host_stages(call, "post", app, first=number)
    return replace(stage, id=spec.id)


def may_have_tail(plan: Plan) -> bool:
    """Whether it has host stages, wherever.

    A plan for this machine is left whole: its costs are measured, and learnt, by subgraph.
    """
    return plan.profile.name != HERE and bool(plan.host_stages)


def home_of(plan: Plan) -> str | None:
    """The plan's unit that its host stages are on; None where it has none."""
    names = {stage.name for stage in plan.host_stages}
    return next((part.unit for part in plan.subgraphs if part.id in names), None)


def may_leave(backend: Backend) -> bool:
    """Whether a unit's work may be done elsewhere: not where its pace or its zeros are meant."""
    found = traits(backend)
    return found.computes and not found.emulated


def _tail(plan: Plan, graph: Graph) -> frozenset[str]:
    """Host stages' ops and all that reads them, where all of that is light and on the home.

    Light is what neither multiplies matrices nor convolves, as for `hetsched convert`.
    """
    home = home_of(plan)
    at_home = {op for part in plan.subgraphs if part.unit == home for op in part.ops}
    hosted = {op for stage in plan.host_stages for op in stage.ops}
    light: set[str] = set()
    for op in reversed(graph.ops):
        is_light = op.name in at_home and macs(graph, op) == 0
        if is_light and graph.readers[op.name] <= light:
            light.add(op.name)
    found: set[str] = set()
    for op in graph.ops:
        if op.name in light and (op.name in hosted or graph.makers[op.name] & found):
            found.add(op.name)
    return frozenset(found)


def _without(part: Subgraph, graph: Graph, ops: frozenset[str]) -> Subgraph:
    if not ops.intersection(part.ops):
        return part
    left = tuple(op for op in part.ops if op not in ops)
    made = [name for op in left for name in graph.op[op].writes]
    outputs = tuple(name for name in made if name in part.outputs or _is_read(graph, name, ops))
    return msgspec.structs.replace(part, ops=left, outputs=outputs)


def _is_read(graph: Graph, name: str, ops: frozenset[str]) -> bool:
    readers: Sequence[Any] = graph.consumers.get(name, ())
    return any(reader.name in ops for reader in readers)
