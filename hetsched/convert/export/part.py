"""The parts that an export writes: one for a model, one per subgraph for a plan."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from hetsched.ir.extract import part_inputs
from hetsched.ir.graph import Graph

CONSTANTS = "constants"
"""Name of the part that holds model outputs which no op makes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Ops that become one model of the target.

    Attributes:
        name: of its files; unique among the parts.
        ops: names, in the graph's order.
        inputs: tensors that come from outside, in the order of its file.
        outputs: tensors that other parts or the caller need, likewise.
        unit: where the plan runs it, None without a plan.
    """

    name: str
    ops: tuple[str, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    unit: str | None = None


def make_part(
    graph: Graph, name: str, ops: Sequence[str], outputs: Iterable[str], unit: str | None = None
) -> Part:
    """Some ops as a part; its inputs follow from them.

    Raises:
        ModelError: naming an op that the graph doesn't have.
    """
    inputs = part_inputs(graph, ops)
    return Part(name=name, ops=tuple(ops), inputs=inputs, outputs=tuple(outputs), unit=unit)


def whole(graph: Graph) -> tuple[Part, ...]:
    """A model as one part."""
    made = [name for name in graph.outputs if name not in graph.inputs]
    return (make_part(graph, "model", [op.name for op in graph.ops], dict.fromkeys(made)),)


def with_constants(graph: Graph, parts: Sequence[Part]) -> tuple[Part, ...]:
    """The parts and, where model outputs are constants that none of them makes, one for those."""
    made = {name for part in parts for name in part.outputs}
    left = [name for name in graph.outputs if name in graph.constants and name not in made]
    if not left:
        return tuple(parts)
    return (*parts, make_part(graph, CONSTANTS, [], dict.fromkeys(left)))
