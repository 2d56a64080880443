"""From a plan's compiled stages to numbered slots: who makes which value, and who reads it.

Names end here. A request is a list of slots; a stage reads some and fills some. Backends may keep
values between their own stages under private names and in private layouts, so a name means
something only together with the backend that made it: two backends' private values never meet.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hetsched.backends.base import Executable
from hetsched.dispatch import StageNode
from hetsched.errors import RunError
from hetsched.ir.graph import Graph


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """A stage as another backend than its planned unit's compiled it.

    Attributes:
        units: indices of the runtime's units that run it so.
        backend: name of the backend.
        executable: what runs it; it makes the same values, perhaps in another order.
    """

    units: tuple[int, ...]
    backend: str
    executable: Executable


@dataclass(frozen=True, slots=True, kw_only=True)
class Compiled:
    """A stage that is ready to run.

    A stage with variants was compiled alone by each backend: all its values are plain and have the
    model's names, and its space is its own.

    Attributes:
        id: the plan's stage id.
        planned_unit: the plan's unit.
        unit: index of the runtime's unit.
        unit_name: name of the runtime's unit.
        backend: name of the backend.
        units: (index, expected ns) of each of the runtime's units that can run it, `unit` first.
        space: number of the backend instance; private names mean something only inside.
        executable: what runs it.
        variants: how it runs on units of other backends.
    """

    id: str
    planned_unit: str
    unit: int
    unit_name: str
    backend: str
    space: int
    executable: Executable
    units: tuple[tuple[int, int], ...]
    variants: tuple[Variant, ...] = ()

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of the values that it reads on any of its units."""
        each = (self.executable, *(variant.executable for variant in self.variants))
        return tuple(dict.fromkeys(name for executable in each for name in executable.inputs))

    def backend_on(self, unit: int) -> str:
        """Name of the backend that runs it on a unit."""
        found = (variant.backend for variant in self.variants if unit in variant.units)
        return next(found, self.backend)

    def __str__(self) -> str:
        return f"stage {self.id!r} on unit {self.unit_name!r} (backend {self.backend})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wire:
    """A value that a stage reads.

    Attributes:
        name: what the stage calls it.
        slot: where it is.
        foreign: whether another backend made it, so that it must be handed over as a plain array.
    """

    name: str
    slot: int
    foreign: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Wired:
    """A plan as slots.

    Attributes:
        stages: in the plan's order.
        nodes: what the dispatcher must know of each stage.
        reads: per stage, the values it reads.
        writes: per stage, a slot per output of its executable.
        input_slots: slot of each model input, by name.
        output_slots: the model's outputs in its order, with their slots; None for a constant.
        slots: how many slots a request has.
        readers: per slot, how many stages read it (and one more for an output of the model): when
            nobody is left, the value is let go.
    """

    stages: tuple[Compiled, ...]
    nodes: tuple[StageNode, ...]
    reads: tuple[tuple[Wire, ...], ...]
    writes: tuple[tuple[int, ...], ...]
    input_slots: Mapping[str, int]
    output_slots: tuple[tuple[str, int | None], ...]
    slots: int
    readers: tuple[int, ...]


class _Slots:
    """Slot numbers by (space, name); model inputs are in no space."""

    def __init__(self, inputs: Sequence[str]) -> None:
        self.inputs = {name: slot for slot, name in enumerate(inputs)}
        self.made: dict[tuple[int, str], tuple[int, int]] = {}  # to (slot, stage)
        self.plain: dict[str, tuple[int, int]] = {}  # latest stage that made that name
        self.count = len(inputs)

    def add(self, space: int, name: str, stage: int) -> int:
        slot = self.count
        self.count += 1
        self.made[space, name] = self.plain[name] = (slot, stage)
        return slot

    def find(self, space: int, name: str, graph: Graph) -> tuple[int, int | None, bool] | None:
        """Slot, producing stage and whether it is foreign, for a name that a stage reads."""
        if (own := self.made.get((space, name))) is not None:
            return *own, False
        if name in self.inputs:
            return self.inputs[name], None, False
        if name in graph.tensors and (other := self.plain.get(name)) is not None:
            return *other, True
        return None


def wire(graph: Graph, stages: Sequence[Compiled], values: Sequence[str] | None = None) -> Wired:
    """Number the values of a plan's stages.

    Args:
        graph: the model's.
        stages: compiled, each after those whose values it reads.
        values: that are handed out in the end; by default the model's outputs.

    Raises:
        RunError: naming a stage and a value that nothing before it makes.
    """
    slots = _Slots(graph.inputs)
    nodes, reads, writes = [], [], []
    for index, stage in enumerate(stages):
        wires, after = _wires(graph, slots, stage)
        nodes.append(StageNode(units=stage.units, after=after))
        reads.append(wires)
        writes.append(
            tuple(slots.add(stage.space, name, index) for name in stage.executable.outputs)
        )
    names = graph.outputs if values is None else values
    outputs = tuple((name, _output_slot(graph, slots, name)) for name in names)
    return Wired(
        stages=tuple(stages),
        nodes=tuple(nodes),
        reads=tuple(reads),
        writes=tuple(writes),
        input_slots=slots.inputs,
        output_slots=outputs,
        slots=slots.count,
        readers=_readers(slots.count, reads, outputs),
    )


def _wires(
    graph: Graph, slots: _Slots, stage: Compiled
) -> tuple[tuple[Wire, ...], tuple[int, ...]]:
    wires, after = [], set()
    for name in stage.inputs:
        found = slots.find(stage.space, name, graph)
        if found is None:
            raise RunError(f"{stage} reads {name!r}, which no stage before it makes")
        slot, producer, foreign = found
        wires.append(Wire(name=name, slot=slot, foreign=foreign))
        if producer is not None:
            after.add(producer)
    return tuple(wires), tuple(sorted(after))


def _output_slot(graph: Graph, slots: _Slots, name: str) -> int | None:
    if name in slots.plain:
        return slots.plain[name][0]
    if name in slots.inputs:
        return slots.inputs[name]
    if name in graph.constants:
        return None
    raise RunError(f"no stage of the plan makes the model's output {name!r}")


def _readers(
    count: int,
    reads: Sequence[Sequence[Wire]],
    outputs: Sequence[tuple[str, int | None]],
) -> tuple[int, ...]:
    readers = [0] * count
    for wires in reads:
        for wire_ in wires:
            readers[wire_.slot] += 1
    for _, slot in outputs:
        if slot is not None:
            readers[slot] += 1
    return tuple(readers)
