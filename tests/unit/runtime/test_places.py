"""What is told of a deployed app's alternatives."""

import msgspec
import numpy as np
import pytest

from hetsched.plan.model import Alternative
from hetsched.quantity import Origin
from hetsched.runtime import Runtime, RuntimeUnit
from hetsched.runtime.places import StagePlace
from hetsched.runtime.snapshot import Snapshot
from tests.unit.runtime.fakes import DIAMOND, FakeBackend
from tests.unit.runtime.plans import plan_of

X = {"x": np.array([1, -2, 3, -4], np.float32)}
ELSEWHERE = plan_of(DIAMOND, [("cpu", ["head", "left", "right", "tail"])])
"""Predicted to take 1 us."""
PART = msgspec.structs.replace(
    ELSEWHERE.subgraphs[0],
    alternatives=(Alternative(unit="gpu", cost_ns=7000, origin=Origin.CALIBRATED),),
    cost_origin=Origin.MEASURED,
)
PLAN = msgspec.structs.replace(
    ELSEWHERE,
    profile=msgspec.structs.replace(ELSEWHERE.profile, name="host"),
    subgraphs=(PART,),
)


class Emulating(FakeBackend):
    emulated = True


def place(unit: str, ns: int | None, source: str | None, origin: Origin | None) -> StagePlace:
    return StagePlace(
        stage="s0", unit=unit, backend=unit, is_planned=unit == "cpu", expected_ns=ns,
        source=source, origin=origin,  # type: ignore[arg-type]  # a literal
    )  # fmt: skip


def units(*names: str) -> list[RuntimeUnit]:
    return [RuntimeUnit(name=name, backend=FakeBackend(name=name)) for name in names]


@pytest.mark.asyncio
async def test_planned_assumed_and_learned() -> None:
    async with Runtime(units("cpu", "gpu", "npu")) as runtime:
        app = await runtime.deploy(PLAN, name="a", model=DIAMOND, alternatives="all", learn=True)
        assert app.alternatives() == (
            place("cpu", 1000, "planned", Origin.MEASURED),
            place("gpu", 7000, "planned", Origin.CALIBRATED),
            place("npu", 1000, "assumed", None),
        )
        await app(X)
        first, *others = app.alternatives()
        (cost,) = app.learned()
        assert (first.source, first.origin, first.runs) == ("learned", Origin.MEASURED, 1)
        assert [each.source for each in others] == ["planned", "assumed"]
        assert first.expected_ns == cost.average_ns
        snapshot = runtime.snapshot()
        assert snapshot.apps[0].places == app.alternatives()
    assert msgspec.json.decode(msgspec.json.encode(snapshot), type=Snapshot) == snapshot


@pytest.mark.asyncio
async def test_a_plan_for_another_machine_says_nothing() -> None:
    async with Runtime(units("cpu", "gpu")) as runtime:
        app = await runtime.deploy(ELSEWHERE, name="a", model=DIAMOND, alternatives="all")
        assert app.alternatives() == (
            place("cpu", None, None, None),
            place("gpu", None, None, None),
        )


@pytest.mark.asyncio
async def test_what_an_emulated_unit_taught_says_so() -> None:
    unit = RuntimeUnit(name="cpu", backend=Emulating(name="cpu"))
    async with Runtime([unit]) as runtime:
        app = await runtime.deploy(PLAN, name="a", model=DIAMOND, learn=True)
        await app(X)
        (found,) = app.alternatives()
    assert (found.source, found.origin, found.runs) == ("learned", Origin.EMULATED, 1)
