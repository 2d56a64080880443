"""What was learnt: told, taken back into the store, and a new plan when it drifts."""

import asyncio
import logging
from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np
import pytest

from hetsched.cost.table import Cost, CostTable, Group
from hetsched.errors import PlanError, RunError
from hetsched.plan.model import Plan
from hetsched.quantity import Origin
from hetsched.runtime.drift import check_bound, drifted, factors, watch
from hetsched.runtime.faults import FaultEvent
from hetsched.runtime.feedback import as_seen, save
from hetsched.runtime.learning import RUNS, StageCost
from hetsched.runtime.runtime import Runtime
from hetsched.runtime.sync import SyncRuntime
from hetsched.runtime.units import RuntimeUnit
from tests.unit.runtime.fakes import DIAMOND, FakeBackend
from tests.unit.runtime.plans import plan_of

X = {"x": np.array([1, -2, 3, -4], np.float32)}
OPS = ["head", "left", "right", "tail"]


def here(plan: Plan) -> Plan:
    """As a plan for this machine, every stage of which is predicted to take 1 us."""
    return msgspec.structs.replace(plan, profile=msgspec.structs.replace(plan.profile, name="host"))


ON_A = here(plan_of(DIAMOND, [("a", OPS)]))
ON_B = here(plan_of(DIAMOND, [("b", OPS)]))


def cost(
    unit: str, average_ns: int, planned_ns: int | None = 1000, runs: int = RUNS, stage: str = "s0"
) -> StageCost:
    return StageCost(
        stage=stage, unit=unit, latency_ns=average_ns, low_ns=average_ns, high_ns=average_ns,
        average_ns=average_ns, planned_ns=planned_ns, runs=runs, origin=Origin.MEASURED,
    )  # fmt: skip


def emulated(unit: str, average_ns: int) -> StageCost:
    return msgspec.structs.replace(cost(unit, average_ns), origin=Origin.EMULATED)


def test_a_units_factor_is_of_its_stages_together() -> None:
    costs = [
        emulated("e", 9000),  # nothing to learn from
        cost("a", 3000, 1000),
        cost("a", 1000, 3000, stage="s1"),
        cost("b", 1500),
        cost("c", 9000, runs=RUNS - 1),  # too few
        cost("d", 9000, planned_ns=None),  # the plan says nothing
    ]
    assert factors(costs) == {"a": 1.0, "b": 1.5}


@pytest.mark.parametrize(
    ("found", "before", "expected"),
    [
        ({"a": 1.29}, {}, None),
        ({"a": 1.31}, {}, ("a", 1.31)),
        ({"a": 0.78}, {}, None),  # 1 / 0.78 = 1.28
        ({"a": 0.75}, {}, ("a", 0.75)),  # 1 / 0.75 = 1.33
        ({"a": 1.4, "b": 0.5}, {}, ("b", 0.5)),
        ({"a": 1.5}, {"a": 1.5}, None),  # known, and planned for
        ({"a": 1.5}, {"a": 1.0}, ("a", 1.5)),
        ({}, {}, None),
    ],
)
def test_drift_is_a_change_beyond_the_bound(
    found: dict[str, float], before: dict[str, float], expected: tuple[str, float] | None
) -> None:
    assert drifted(found, 0.3, before) == expected


@pytest.mark.parametrize("bound", [0, -1, float("nan"), 101, True, "0.3"])
def test_a_wrong_bound_is_refused(bound: float) -> None:
    with pytest.raises(RunError, match=r"replan_beyond is .*: give a share above 0"):
        check_bound(bound, ON_A)


def test_a_plan_for_another_machine_says_nothing_here() -> None:
    with pytest.raises(RunError, match="the plan is for by-hand, whose times say nothing"):
        check_bound(0.3, plan_of(DIAMOND, [("a", OPS)]))


class FakeApp:
    """Its times are what a test says, one row a look."""

    name = "ocr"

    def __init__(self, rows: Sequence[Sequence[StageCost]]) -> None:
        self.plan = ON_A
        self.rows = list(rows)

    def learned(self) -> tuple[StageCost, ...]:
        return tuple(self.rows.pop(0))

    async def sleep(self, _: float) -> None:
        """The clock: it stops with the last row."""
        if not self.rows:
            raise asyncio.CancelledError


async def watched(app: FakeApp, plans: Sequence[Plan | PlanError]) -> list[tuple[Plan, str]]:
    """What replaced the plan, when planning gives these one after the other."""
    left, replaced = list(plans), []

    def planner(plan: Plan, _: Sequence[StageCost]) -> Plan:
        assert plan is app.plan
        found = left.pop(0)
        if isinstance(found, PlanError):
            raise found
        return found

    async def replace(plan: Plan, why: str) -> None:
        app.plan = plan
        replaced.append((plan, why))

    with pytest.raises(asyncio.CancelledError):
        await watch(app, 0.3, planner, replace, app.sleep)
    assert left == []
    return replaced


@pytest.mark.asyncio
async def test_a_lasting_change_is_planned_for_once() -> None:
    usual, slow = [cost("a", 1000)], [cost("a", 1500)]
    moved = [cost("b", 1000)]
    replaced = await watched(FakeApp([usual, usual, slow, moved, moved]), [ON_B])
    assert replaced == [(ON_B, "stages on a take 1.50 times what the plan says")]


@pytest.mark.asyncio
async def test_a_plan_that_stays_is_not_replaced_and_not_made_again() -> None:
    slow, back = [cost("a", 1500)], [cost("a", 1000)]
    # Slow: planned, the same; slow still: nothing; back to 1.0, 1.5 times less: planned again.
    assert await watched(FakeApp([slow, slow, slow, back, back]), [ON_A, ON_A]) == []


@pytest.mark.asyncio
async def test_planning_that_fails_is_told_and_the_plan_stays(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.INFO):
        slow = [cost("a", 1500)]
        assert await watched(FakeApp([slow, slow]), [PlanError("no way")]) == []
    events = [getattr(record, "event", "") for record in caplog.records]
    assert events == ["drift", "replan-failed"]
    assert "app ocr keeps its plan: no way" in caplog.text


@pytest.mark.asyncio
async def test_a_runtime_replaces_a_plan_that_has_drifted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("hetsched.runtime.drift.PERIOD_S", 0.005)
    told: list[FaultEvent] = []
    units = [RuntimeUnit(name=name, backend=FakeBackend()) for name in "ab"]
    asked: list[Plan] = []

    def planner(plan: Plan, costs: Sequence[StageCost]) -> Plan:
        asked.append(plan)
        assert {each.unit for each in costs} <= {"a", "b"}
        return ON_B

    async with Runtime(units, on_fault=told.append) as runtime:
        # A fake stage takes far more than the microsecond that the plan says.
        app = await runtime.deploy(
            ON_A, name="ocr", model=DIAMOND, replan_beyond=0.3, planner=planner
        )
        while app.plan is ON_A:
            await app(X)
        await app(X)
    assert asked[0] is ON_A
    assert app.plan is ON_B
    assert app.tally.completed == app.tally.requests
    assert [event.kind for event in told][:1] == ["plan-replaced"]
    assert "stages on a take" in told[0].reason


@pytest.mark.asyncio
async def test_learned_tells_times_with_bands_when_asked_to() -> None:
    units = [RuntimeUnit(name=name, backend=FakeBackend()) for name in "ab"]
    async with Runtime(units) as runtime:
        silent = await runtime.deploy(ON_A, name="silent", model=DIAMOND)
        app = await runtime.deploy(ON_A, name="ocr", model=DIAMOND, learn=True)
        for _ in range(5):
            await app(X)
            await silent(X)
        [found] = app.learned()
        assert silent.learned() == ()
    assert (found.stage, found.unit, found.runs, found.planned_ns) == ("s0", "a", 5, 1000)
    assert 0 < found.low_ns <= found.latency_ns <= found.high_ns
    assert found.origin is Origin.MEASURED


class Emulating(FakeBackend):
    """Says of itself that it only plays another unit."""

    emulated = True


def test_emulated_times_are_called_so_and_never_saved(tmp_path: Path) -> None:
    units = [RuntimeUnit(name="a", backend=Emulating(name="emulated"))]
    with SyncRuntime(units) as runtime:
        app = runtime.deploy(ON_A, name="ocr", model=DIAMOND, learn=True)
        app.run(X)
        costs = app.learned()
    assert [each.origin for each in costs] == [Origin.EMULATED]
    saved = save([(ON_A, costs)], units, tmp_path / "costs.sqlite")
    assert saved.stages == 0
    assert saved.left_out == ("unit a is emulated: its times are no measurements",)


def test_a_runtime_without_a_loop_refuses_to_plan_again() -> None:
    units = [RuntimeUnit(name="a", backend=FakeBackend())]
    with (
        SyncRuntime(units) as runtime,
        pytest.raises(RunError, match="replan_beyond needs an event loop"),
    ):
        runtime.deploy(ON_A, name="ocr", model=DIAMOND, replan_beyond=0.3)


def test_costs_as_seen_add_up_to_what_stages_took() -> None:
    plan = here(plan_of(DIAMOND, [("a", ["head", "left"]), ("b", ["right", "tail"])]))
    groups = tuple(Group(name=name, ops=(name,)) for name in OPS)
    known = Cost(latency_ns=400, low_ns=200, high_ns=800, origin=Origin.MEASURED, dtype="float32")
    table = CostTable(groups=groups, costs={(name, unit): known for name in OPS for unit in "ab"})
    costs = [
        cost("a", 1300),
        cost("b", 9000, stage="s1", runs=RUNS - 1),
        msgspec.structs.replace(emulated("b", 9000), stage="s1"),  # which enters no cost
    ]
    found = as_seen(plan, table, costs, {"a": 100, "b": 100})
    # s0 took 1300 with a dispatch of 100: 1200 for two groups of 400 each, 1.5 times as long; so
    # for what wasn't seen on a. What s1 took on b doesn't count yet.
    assert {unit: {found.costs[name, unit].latency_ns for name in OPS} for unit in "ab"} == {
        "a": {600},
        "b": {400},
    }
    assert (found.costs["head", "a"].low_ns, found.costs["head", "a"].high_ns) == (300, 1200)
