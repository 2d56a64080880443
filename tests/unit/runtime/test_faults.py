"""Stages that raise or die: who runs them then, and what becomes of their unit."""

import asyncio
import threading

import numpy as np
import pytest

from hetsched.backends.base import Buffer
from hetsched.errors import BackendError, RunError
from hetsched.runtime import Runtime
from hetsched.runtime.faults import FaultEvent, Faults, UnitStatus
from tests.unit.runtime.fakes import FakeBackend, FakeBuffer
from tests.unit.runtime.faulty import (
    DOWN,
    MortalBackend,
    Script,
    X,
    deployed,
    kinds,
    status_is,
    units,
    wait_for,
)

pytestmark = pytest.mark.usefixtures("no_thread_stays")


@pytest.mark.asyncio
async def test_a_stage_that_raises_is_run_by_another_backend() -> None:
    told: list[FaultEvent] = []
    cpu = FakeBackend(name="cpu", before=Script(s1=[BackendError("no luck")]))
    async with Runtime(units(cpu, FakeBackend(name="gpu")), on_fault=told.append) as runtime:
        app = await deployed(runtime)
        result = await app.request({"x": X})
        np.testing.assert_array_equal(result.outputs["y"], np.abs(X))
        assert [stage.unit for stage in result.stages] == ["cpu", "gpu"]
        assert runtime.units_state()["cpu"].failures == 1
        assert runtime.units_state()["cpu"].status is UnitStatus.UP
    (event,) = told
    assert (event.kind, event.unit, event.app, event.stage) == ("stage-retried", "cpu", "a", "s1")
    assert event.reason == "stage 's1' on unit 'cpu' (backend cpu) failed: no luck"
    assert (app.tally.requests, app.tally.completed) == (1, 1)


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("made", "says"),
    [
        ([], "it made 0 values instead of 1"),
        ([FakeBuffer(X), FakeBuffer(X)], "it made 2 values instead of 1"),
        (
            [FakeBuffer(np.zeros((2, 2), np.float32))],
            r"'y' as float32 of shape \(2, 2\) instead of",
        ),
        ([FakeBuffer(np.zeros(4, np.int8))], "'y' as int8 of shape"),
    ],
)
async def test_wrong_values_are_a_failure_like_any_other(made: list[Buffer], says: str) -> None:
    def spoil(stage: str, right: list[Buffer]) -> list[Buffer]:
        return made if stage == "s1" else right

    wrong = FakeBackend(name="cpu", spoil=spoil)
    async with Runtime(units(wrong, FakeBackend(name="gpu"))) as runtime:
        app = await deployed(runtime)
        np.testing.assert_array_equal((await app({"x": X}))["y"], np.abs(X))
    async with Runtime(units(wrong)) as runtime:
        app = await deployed(runtime)
        with pytest.raises(RunError, match=says):
            await app({"x": X})


@pytest.mark.asyncio
async def test_what_fails_everywhere_fails_with_every_reason_and_nobody_is_to_blame() -> None:
    cpu = FakeBackend(name="cpu", before=Script(s0=[BackendError("no luck")] * 9))
    gpu = FakeBackend(name="gpu", before=Script(s0=[ZeroDivisionError("oops")] * 9))
    faults = Faults(failures=2)
    async with Runtime(units(cpu, gpu), faults=faults) as runtime:
        app = await deployed(runtime)
        for _ in range(9):
            with pytest.raises(RunError) as found:
                await app({"x": X})
            assert str(found.value) == (
                "stage 's0' on unit 'gpu' (backend gpu) failed: ZeroDivisionError: oops; before "
                "that: stage 's0' on unit 'cpu' (backend cpu) failed: no luck"
            )
        np.testing.assert_array_equal((await app({"x": X}))["y"], np.abs(X))
        assert {state.status for state in runtime.units_state().values()} == {UnitStatus.UP}
    assert (app.tally.failed, app.tally.completed, app.tally.in_flight) == (9, 1, 0)


@pytest.mark.asyncio
async def test_a_unit_that_dies_is_revived_on_its_worker_and_does_it_again() -> None:
    told: list[FaultEvent] = []
    cpu = MortalBackend(name="cpu", before=Script(s1=[DOWN]))
    async with Runtime(units(cpu), on_fault=told.append) as runtime:
        app = await deployed(runtime)
        np.testing.assert_array_equal((await app({"x": X}))["y"], np.abs(X))
        state = runtime.units_state()["cpu"]
        assert (state.status, state.deaths, state.revivals) == (UnitStatus.UP, 1, 1)
    assert cpu.revived == ["hetsched-cpu"]
    assert kinds(told) == [("unit-down", "cpu"), ("stage-retried", "cpu"), ("unit-up", "cpu")]
    assert "(backend cpu) failed: the driver crashed" in told[0].reason


@pytest.mark.asyncio
async def test_while_a_unit_is_down_another_one_does_its_work() -> None:
    mended = threading.Event()
    cpu = MortalBackend(name="cpu", before=Script(s0=[DOWN]), revive_with=lambda: wait_for(mended))
    async with Runtime(units(cpu, FakeBackend(name="gpu"))) as runtime:
        app = await deployed(runtime)
        for _ in range(3):
            result = await app.request({"x": X})
            np.testing.assert_array_equal(result.outputs["y"], np.abs(X))
            assert {stage.unit for stage in result.stages} == {"gpu"}
        assert runtime.units_state()["cpu"].status is UnitStatus.DOWN
        mended.set()
        await status_is(runtime, "cpu", UnitStatus.UP)


@pytest.mark.asyncio
async def test_a_stage_that_kills_its_unit_every_time_is_not_tried_for_ever() -> None:
    cpu = MortalBackend(name="cpu", before=Script(s1=[DOWN] * 3))
    faults = Faults(deaths=3, wait_ns=1_000_000)
    async with Runtime(units(cpu), faults=faults) as runtime:
        app = await deployed(runtime)
        with pytest.raises(RunError, match=r"the driver crashed; before that: .*; stage 's1' on"):
            await app({"x": X})
        np.testing.assert_array_equal((await app({"x": X}))["y"], np.abs(X))
    assert len(cpu.revived) == 3


@pytest.mark.asyncio
async def test_a_unit_that_cannot_be_revived_is_given_up_and_may_be_tried_again() -> None:
    def no_driver() -> None:
        raise BackendError("no driver")

    told: list[FaultEvent] = []
    cpu = MortalBackend(name="cpu", before=Script(s0=[DOWN]), revive_with=no_driver)
    faults = Faults(revivals=3, wait_ns=1_000_000)
    async with Runtime(units(cpu), faults=faults, on_fault=told.append) as runtime:
        app = await deployed(runtime)
        calls = [asyncio.ensure_future(app({"x": X})) for _ in range(3)]
        for call in calls:
            with pytest.raises(RunError, match="unit was given up: bringing it back failed: no dr"):
                await call
        assert runtime.units_state()["cpu"].status is UnitStatus.GIVEN_UP
        with pytest.raises(RunError, match="unit was given up"):
            app.run({"x": X})
        cpu.revive_with = lambda: None
        with pytest.raises(RunError, match="there is no unit 'npu': take one of cpu"):
            runtime.retry("npu")
        runtime.retry("cpu")
        np.testing.assert_array_equal((await app({"x": X}))["y"], np.abs(X))
    assert len(cpu.revived) == 4
    assert app.tally.failed == 4
    assert [kind for kind, _ in kinds(told)].count("unit-given-up") == 1


@pytest.mark.asyncio
async def test_work_goes_on_without_a_unit_that_was_given_up() -> None:
    def no_driver() -> None:
        raise BackendError("no driver")

    cpu = MortalBackend(name="cpu", before=Script(s0=[DOWN]), revive_with=no_driver)
    gpu = FakeBackend(name="gpu")
    faults = Faults(revivals=1)
    async with Runtime(units(cpu, gpu), faults=faults) as runtime:
        app = await deployed(runtime)
        await app({"x": X})
        await status_is(runtime, "cpu", UnitStatus.GIVEN_UP)
        for _ in range(5):
            np.testing.assert_array_equal(app.run({"x": X})["y"], np.abs(X))
            np.testing.assert_array_equal((await app({"x": X}))["y"], np.abs(X))
    assert app.tally.completed == 11
