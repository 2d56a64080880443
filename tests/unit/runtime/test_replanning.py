"""Plans that are made again around a unit, or around what its backend refuses."""

import asyncio

import numpy as np
import pytest

from hetsched.errors import BackendError, PlacementError, RunError, UnitDownError
from hetsched.plan.build import plan as make_plan
from hetsched.plan.model import Plan
from hetsched.runtime import Runtime, RuntimeUnit
from hetsched.runtime.faults import FaultEvent, UnitState, UnitStatus
from hetsched.runtime.replanning import left_out, planned_names
from hetsched.soc.catalog import profile
from tests.unit.runtime.fakes import FakeBackend, make_model, op

X = np.array([1, -2, 3, -4], np.float32)
MODEL = make_model(
    [op("a", "Neg", "x", "t"), op("b", "Abs", "t", "u"), op("c", "Relu", "u", "y")],
    outputs=["y"],
)
SOC = profile("helio-g90")
HOME = SOC.home
OTHERS = [unit.name for unit in SOC.units if unit.name != HOME]
LITTLE = next(name for name in OTHERS if name.startswith("cpu"))


def planned(unit: str) -> Plan:
    """All of it on one unit."""
    return make_plan(MODEL, SOC, pins=dict.fromkeys("abc", unit))


def free(plan: Plan) -> Plan:
    """The same plan as if nobody had asked for a unit."""
    import msgspec

    options = msgspec.structs.replace(plan.options, pins={})
    return msgspec.structs.replace(plan, options=options)


class Refuses(FakeBackend):
    """Doesn't take Abs."""

    def compile(self, model, stages):  # type: ignore[no-untyped-def]
        if any(model.graph.op[o].op_type == "Abs" for s in stages for o in s.ops):
            raise BackendError("op 'b': no Abs here")
        return FakeBackend.compile(self, model, stages)


def units(little: FakeBackend | None = None) -> list[RuntimeUnit]:
    """One per unit of the SoC; all but one compute as they should."""
    names = [unit.name for unit in SOC.units if unit.name != LITTLE]
    rest = [RuntimeUnit(name=name, backend=FakeBackend(name=name)) for name in names]
    return [*rest, RuntimeUnit(name=LITTLE, backend=little or FakeBackend(name=LITTLE))]


@pytest.mark.asyncio
async def test_ops_that_a_backend_refuses_are_planned_elsewhere() -> None:
    told: list[FaultEvent] = []
    plan = free(planned(LITTLE))
    async with Runtime(units(little=Refuses(name="no-abs")), on_fault=told.append) as runtime:
        with pytest.raises(BackendError, match="no Abs here"):
            await runtime.deploy(plan, name="a", model=MODEL)
        app = await runtime.deploy(plan, name="a", model=MODEL, on_compile_failure="replan")
        np.testing.assert_array_equal((await app({"x": X}))["y"], np.abs(X))
    (part,) = [part for part in app.plan.subgraphs if "b" in part.ops]
    assert part.unit != LITTLE
    assert app.plan.profile == plan.profile
    (event,) = told
    assert (event.kind, event.app) == ("plan-replaced", "a")
    assert event.reason.endswith("can't be compiled: op 'b': no Abs here")


@pytest.mark.asyncio
async def test_what_was_pinned_to_the_unit_has_no_plan_left() -> None:
    async with Runtime(units(little=Refuses(name="no-abs"))) as runtime:
        with pytest.raises(PlacementError, match="b"):
            await runtime.deploy(
                planned(LITTLE), name="a", model=MODEL, on_compile_failure="replan"
            )
        await runtime.deploy(planned(HOME), name="a", model=MODEL)  # the name is free


@pytest.mark.asyncio
async def test_a_plan_without_a_unit_replaces_the_old_one_and_no_request_is_lost() -> None:
    told: list[FaultEvent] = []
    async with Runtime(units(), on_fault=told.append) as runtime:
        app = await runtime.deploy(free(planned(LITTLE)), name="a", model=MODEL)
        calls = [asyncio.ensure_future(app({"x": X + i})) for i in range(20)]
        plan = await runtime.replan(app, without=[LITTLE], model=MODEL)
        calls += [asyncio.ensure_future(app({"x": X + i})) for i in range(20, 40)]
        for i, call in enumerate(calls):
            np.testing.assert_array_equal((await call)["y"], np.abs(X + i))
        assert LITTLE not in {part.unit for part in plan.subgraphs}
        assert app.plan == plan
        assert LITTLE not in (await app.request({"x": X})).stages[0].unit
    assert [(event.kind, event.reason) for event in told] == [
        ("plan-replaced", f"it does without {LITTLE}")
    ]
    assert (app.tally.requests, app.tally.completed) == (41, 41)


@pytest.mark.asyncio
async def test_somebody_must_say_which_unit_to_do_without() -> None:
    async with Runtime(units()) as runtime:
        app = await runtime.deploy(planned(HOME), name="a", model=MODEL)
        with pytest.raises(RunError, match="no unit hangs or was given up: name those"):
            await runtime.replan(app, model=MODEL)
        with pytest.raises(RunError, match="there is no unit 'npu9': take some of"):
            await runtime.replan(app, without=["npu9"], model=MODEL)
        with pytest.raises(RunError, match="a plan can't do without every unit"):
            await runtime.replan(app, without=[HOME, *OTHERS], model=MODEL)


def state(name: str, status: UnitStatus) -> UnitState:
    return UnitState(
        name=name, status=status, reason="", since_ns=0, failures=0, deaths=0, hangs=0, revivals=0
    )


def test_by_default_units_that_are_lost_are_left_out() -> None:
    pairs = zip("abcde", UnitStatus, strict=True)
    states = [state(name, status) for name, status in pairs]
    lost = tuple(s.name for s in states if s.status in (UnitStatus.HUNG, UnitStatus.GIVEN_UP))
    assert left_out(states, None) == lost
    assert left_out(states, ["b"]) == ("b",)


def test_what_the_plan_calls_them() -> None:
    mapping = {"big": "cpu0", "little": "cpu1", "apu": "npu"}
    assert planned_names(mapping, ["cpu0", "npu"]) >= {"big", "apu"}
    assert not planned_names(mapping, ["cpu0", "npu"]) & {"little"}
    assert planned_names(mapping, ["gpu"]) == {"gpu"}  # by its own name, though nothing is there


@pytest.mark.asyncio
async def test_a_unit_that_dies_while_it_compiles_is_brought_back_and_asked_again() -> None:
    class Dies(FakeBackend):
        left = 3
        revived = 0

        def compile(self, model, stages):  # type: ignore[no-untyped-def]
            if Dies.left:
                Dies.left -= 1
                raise UnitDownError("killed while compiling")
            return FakeBackend.compile(self, model, stages)

        def revive(self) -> None:
            Dies.revived += 1

    async with Runtime(units(little=Dies(name="mortal"))) as runtime:
        app = await runtime.deploy(planned(LITTLE), name="a", model=MODEL)
        np.testing.assert_array_equal((await app({"x": X}))["y"], np.abs(X))
        assert Dies.revived == 3
        Dies.left = 99
        with pytest.raises(UnitDownError, match="killed while compiling"):
            await runtime.deploy(planned(LITTLE), name="b", model=MODEL)
        assert Dies.left == 99 - 5
