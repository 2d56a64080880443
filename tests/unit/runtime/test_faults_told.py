"""Units that are put aside and tried again, and who hears of it."""

import asyncio
from contextlib import aclosing

import numpy as np
import pytest

from hetsched.errors import BackendError, RunError
from hetsched.runtime import Runtime, SyncRuntime
from hetsched.runtime.faults import FaultEvent, Faults, UnitStatus
from tests.unit.runtime.fakes import FakeBackend
from tests.unit.runtime.faulty import (
    DOWN,
    MODEL,
    TWO,
    MortalBackend,
    Script,
    X,
    deployed,
    kinds,
    status_is,
    units,
)

pytestmark = pytest.mark.usefixtures("no_thread_stays")


@pytest.mark.asyncio
async def test_a_unit_that_fails_where_others_do_well_is_quarantined_and_tried_again() -> None:
    told: list[FaultEvent] = []
    cpu = FakeBackend(name="cpu", before=Script(s0=[BackendError("flaky")] * 4))
    faults = Faults(failures=3, window=5, wait_ns=1_000_000)
    runtime = Runtime(units(cpu, FakeBackend(name="gpu")), faults=faults, on_fault=told.append)
    async with runtime:
        app = await deployed(runtime)
        while len([kind for kind, _ in kinds(told) if kind == "unit-quarantined"]) < 2:
            np.testing.assert_array_equal((await app({"x": X}))["y"], np.abs(X))
        await status_is(runtime, "cpu", UnitStatus.UP)
        for _ in range(10):
            np.testing.assert_array_equal((await app({"x": X}))["y"], np.abs(X))
        assert runtime.units_state()["cpu"].status is UnitStatus.UP
        assert runtime.units_state()["cpu"].failures == 4
    # Three failures, and after the quarantine one more, on probation.
    outs = [event for event in told if event.kind == "unit-quarantined"]
    assert len(outs) == 2
    assert outs[0].reason.startswith("3 of its last 5 stages failed, the last: stage 's0' on unit")
    assert app.tally.completed == app.tally.requests


@pytest.mark.asyncio
async def test_events_come_to_whoever_reads_them_until_the_runtime_is_closed() -> None:
    seen: list[FaultEvent] = []
    cpu = MortalBackend(name="cpu", before=Script(s0=[DOWN]))

    async def read(runtime: Runtime) -> None:
        async with aclosing(runtime.events()) as events:
            seen.extend([event async for event in events])

    async with Runtime(units(cpu)) as runtime:
        reader = asyncio.ensure_future(read(runtime))
        await asyncio.sleep(0)
        app = await deployed(runtime)
        await app({"x": X})
    await reader
    assert kinds(seen) == [("unit-down", "cpu"), ("stage-retried", "cpu"), ("unit-up", "cpu")]
    assert [event.time_ns for event in seen] == sorted(event.time_ns for event in seen)


@pytest.mark.asyncio
async def test_a_listener_that_fails_harms_nobody(caplog: pytest.LogCaptureFixture) -> None:
    def listener(event: FaultEvent) -> None:
        raise ValueError(event.kind)

    cpu = FakeBackend(name="cpu", before=Script(s0=[BackendError("no luck")]))
    async with Runtime(units(cpu, FakeBackend(name="gpu")), on_fault=listener) as runtime:
        app = await deployed(runtime)
        np.testing.assert_array_equal((await app({"x": X}))["y"], np.abs(X))
    assert "a listener of fault events failed" in caplog.text


def test_a_program_without_a_loop_sees_and_retries_units() -> None:
    def no_driver() -> None:
        raise BackendError("no driver")

    cpu = MortalBackend(name="cpu", before=Script(s0=[DOWN]), revive_with=no_driver)
    with SyncRuntime(units(cpu), faults=Faults(revivals=1)) as runtime:
        app = runtime.deploy(TWO, name="a", model=MODEL)
        with pytest.raises(RunError, match="the unit was given up"):
            app.run({"x": X})
        assert runtime.units_state()["cpu"].status is UnitStatus.GIVEN_UP
        cpu.revive_with = lambda: None
        runtime.retry("cpu")
        np.testing.assert_array_equal(app.run({"x": X})["y"], np.abs(X))
