"""Names become slots: who makes which value, who reads it, when it is let go."""

from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from hetsched.backends.base import Buffer
from hetsched.dispatch import StageNode
from hetsched.errors import RunError
from hetsched.ir.graph import Graph, Tensor
from hetsched.runtime.wiring import Compiled, Wire, wire


@dataclass(frozen=True)
class Ports:
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]

    def run(self, values: object) -> Sequence[Buffer]:
        raise AssertionError(f"wiring runs nothing, but was given {values}")


def stage(name: str, unit: int, space: int, inputs: str, outputs: str) -> Compiled:
    return Compiled(
        id=name,
        planned_unit=f"u{unit}",
        unit=unit,
        unit_name=f"u{unit}",
        backend=f"b{space}",
        space=space,
        executable=Ports(tuple(inputs.split()), tuple(outputs.split())),
        units=((unit, 1000),),
    )


def graph(inputs: str, outputs: str, others: str = "", constants: str = "") -> Graph:
    names = f"{inputs} {outputs} {others} {constants}".split()
    return Graph(
        ops=(),
        tensors={name: Tensor(name=name, dtype="float32", shape=(1,)) for name in names},
        inputs=tuple(inputs.split()),
        outputs=tuple(outputs.split()),
        constants=frozenset(constants.split()),
    )


def test_slots_dependencies_and_readers() -> None:
    # x is slot 0; s0 makes a (1) and y (2); s1 makes z (3) from x and a.
    wired = wire(
        graph("x", "z y", "a"),
        [stage("s0", 0, 0, "x", "a y"), stage("s1", 1, 0, "x a", "z")],
    )
    assert wired.nodes == (
        StageNode(units=((0, 1000),), after=()),
        StageNode(units=((1, 1000),), after=(0,)),
    )
    assert wired.reads[1] == (
        Wire(name="x", slot=0, foreign=False),
        Wire(name="a", slot=1, foreign=False),
    )
    assert wired.writes == ((1, 2), (3,))
    assert wired.output_slots == (("z", 3), ("y", 2))
    assert wired.slots == 4
    assert wired.readers == (2, 1, 1, 1)  # x: both stages; a: s1; y and z: the caller


def test_a_value_of_another_backend_is_foreign() -> None:
    wired = wire(graph("x", "y", "a"), [stage("s0", 0, 0, "x", "a"), stage("s1", 1, 1, "a", "y")])
    assert wired.reads[1] == (Wire(name="a", slot=1, foreign=True),)


def test_private_names_of_two_backends_do_not_meet() -> None:
    # Both call a value "#0": s2 must read slot 1 (its own backend's), s3 slot 2.
    wired = wire(
        graph("x", "y z"),
        [
            stage("s0", 0, 0, "x", "#0"),
            stage("s1", 1, 1, "x", "#0"),
            stage("s2", 0, 0, "#0", "y"),
            stage("s3", 1, 1, "#0", "z"),
        ],
    )
    assert [wires[0].slot for wires in wired.reads[2:]] == [1, 2]
    assert [node.after for node in wired.nodes] == [(), (), (0,), (1,)]


def test_another_backends_private_name_is_no_value() -> None:
    with pytest.raises(RunError, match=r"stage 's1' on unit 'u1' \(backend b1\) reads '#0'"):
        wire(graph("x", "y"), [stage("s0", 0, 0, "x", "#0"), stage("s1", 1, 1, "#0", "y")])


def test_a_stage_may_not_read_what_a_later_one_makes() -> None:
    with pytest.raises(RunError, match="reads 'a', which no stage before it makes"):
        wire(graph("x", "y", "a"), [stage("s0", 0, 0, "a", "y"), stage("s1", 0, 0, "x", "a")])


def test_outputs_that_no_stage_makes() -> None:
    wired = wire(graph("x", "x c", constants="c"), [])
    assert wired.output_slots == (("x", 0), ("c", None))
    assert wired.readers == (1,)
    with pytest.raises(RunError, match="no stage of the plan makes the model's output 'y'"):
        wire(graph("x", "y"), [])
