"""Stages that hang: who runs them then, what becomes of their unit, and of closing."""

import asyncio
import threading
from dataclasses import dataclass, field

import numpy as np
import pytest

from hetsched.backends.base import Buffer
from hetsched.errors import BackendError, RunError, UnitDownError
from hetsched.runtime import HostCall, Runtime
from hetsched.runtime.faults import FaultEvent, Faults, UnitStatus
from tests.unit.runtime.fakes import FakeBackend, FakeBuffer, Gate
from tests.unit.runtime.faulty import (
    MODEL,
    ONE,
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


@dataclass(slots=True, kw_only=True)
class KillableBackend(MortalBackend):
    """What runs there ends when it is killed."""

    killed: threading.Event = field(default_factory=threading.Event)

    def kill(self) -> None:
        self.killed.set()


@pytest.mark.asyncio
async def test_a_stage_that_hangs_is_run_elsewhere_and_its_late_result_is_thrown_away() -> None:
    told: list[FaultEvent] = []
    gate = Gate("s0")
    made: list[str] = []

    def spoil(stage: str, right: list[Buffer]) -> list[Buffer]:
        made.append(stage)
        return [FakeBuffer(X * 0)]  # would be a wrong answer

    cpu = FakeBackend(name="cpu", before=gate, spoil=spoil)
    async with Runtime(units(cpu, FakeBackend(name="gpu")), on_fault=told.append) as runtime:
        app = await deployed(runtime, watchdog="20ms")
        np.testing.assert_array_equal((await app({"x": X}))["y"], np.abs(X))
        state = runtime.units_state()["cpu"]
        assert (state.status, state.hangs) == (UnitStatus.HUNG, 1)
        what = "stage 's0' on unit 'cpu' (backend cpu)"
        assert state.reason == f"{what} didn't end: it hung after 0.02 s"
        with pytest.raises(BackendError, match="unit 'cpu' can't do anything now: stage 's0'"):
            await runtime.deploy(ONE, name="b", model=MODEL)
        gate.open()
        await status_is(runtime, "cpu", UnitStatus.UP)
        cpu.spoil = lambda _, right: right
        np.testing.assert_array_equal((await app({"x": X}))["y"], np.abs(X))
    assert made == ["s0"]
    assert kinds(told) == [
        ("unit-hung", "cpu"),
        ("stage-retried", "cpu"),
        ("late-result", "cpu"),
        ("unit-up", "cpu"),
    ]
    assert (app.tally.completed, app.tally.requests) == (2, 2)


@pytest.mark.asyncio
async def test_a_stage_that_hangs_with_no_alternative_fails() -> None:
    gate = Gate("s1")
    async with Runtime(units(FakeBackend(name="cpu", before=gate)), watchdog="20ms") as runtime:
        app = await deployed(runtime)
        with pytest.raises(RunError, match=r"stage 's1' .* didn't end: it hung after 0.02 s"):
            await app({"x": X})
        second = asyncio.ensure_future(app({"x": X}))
        await asyncio.sleep(0.005)
        assert not second.done()  # it waits for the unit
        gate.open()
        np.testing.assert_array_equal((await second)["y"], np.abs(X))
    assert (app.tally.failed, app.tally.completed) == (1, 1)


@pytest.mark.asyncio
async def test_a_unit_that_hangs_for_too_long_is_given_up_until_it_is_back() -> None:
    gate = Gate("s0")
    faults = Faults(patience_ns=20_000_000)
    async with Runtime(units(FakeBackend(name="cpu", before=gate)), faults=faults) as runtime:
        app = await deployed(runtime, watchdog="5ms")
        with pytest.raises(RunError, match=r"it hung after 0\.005 s"):
            await app({"x": X})
        with pytest.raises(RunError, match="the unit was given up: stage 's0'"):
            await app({"x": X})
        with pytest.raises(RunError, match="unit 'cpu' is still stuck: stage 's0'"):
            runtime.retry("cpu")
        gate.open()
        await status_is(runtime, "cpu", UnitStatus.UP)
        np.testing.assert_array_equal((await app({"x": X}))["y"], np.abs(X))


@pytest.mark.asyncio
async def test_what_hangs_in_a_backend_that_can_be_killed_is_killed_and_done_again() -> None:
    told: list[FaultEvent] = []
    runs: list[str] = []

    def before(stage: str) -> None:
        runs.append(stage)
        if len(runs) == 1:
            wait_for(cpu.killed)
            raise UnitDownError("killed")

    cpu = KillableBackend(name="cpu", before=before)
    async with Runtime(units(cpu), watchdog="20ms", on_fault=told.append) as runtime:
        app = await deployed(runtime)
        np.testing.assert_array_equal((await app({"x": X}))["y"], np.abs(X))
    assert runs == ["s0", "s0", "s1"]
    assert cpu.revived == ["hetsched-cpu"]
    assert [kind for kind, _ in kinds(told)] == [
        "unit-hung",
        "stage-retried",
        "late-result",
        "unit-up",
    ]


@pytest.mark.asyncio
async def test_a_stage_that_hangs_on_its_callers_thread() -> None:
    gate = Gate("s0")
    cpu = FakeBackend(name="cpu", before=gate)
    async with Runtime(units(cpu, FakeBackend(name="gpu"))) as runtime:
        app = await deployed(runtime, watchdog="20ms")
        call = asyncio.ensure_future(asyncio.to_thread(app.run, {"x": X}))
        await status_is(runtime, "cpu", UnitStatus.HUNG)
        while app.tally.completed == 0:  # by `gpu`; the caller can't know yet
            await asyncio.sleep(0.001)
        gate.open()
        np.testing.assert_array_equal((await call)["y"], np.abs(X))
        await status_is(runtime, "cpu", UnitStatus.UP)
    assert (app.tally.completed, app.tally.requests) == (1, 1)


@pytest.mark.asyncio
async def test_nothing_hangs_of_which_nothing_is_known() -> None:
    """The plan is for another machine, so the first run may take any time; `off` may always."""
    for watchdog in ("auto", "off"):
        gate = Gate("s0")
        faults = Faults(floor_ns=1_000_000, multiple=1)
        cpu = FakeBackend(name="cpu", before=gate)
        async with Runtime(units(cpu), watchdog=watchdog, faults=faults) as runtime:
            app = await deployed(runtime)
            call = asyncio.ensure_future(app({"x": X}))
            await asyncio.sleep(0.03)
            gate.open()
            np.testing.assert_array_equal((await call)["y"], np.abs(X))
            assert runtime.units_state()["cpu"].hangs == 0


@pytest.mark.asyncio
async def test_what_is_known_of_a_stage_is_the_longest_that_it_took() -> None:
    """At least 1 ms was seen; then the stage hangs after 2 ms, or twice what it took."""
    gate, runs = Gate("s0"), []

    def before(stage: str) -> None:
        runs.append(stage)
        if len(runs) > 2:
            gate(stage)

    faults = Faults(floor_ns=1_000_000, multiple=2)
    async with Runtime(units(FakeBackend(name="cpu", before=before)), faults=faults) as runtime:
        app = await deployed(runtime)
        await app({"x": X})
        with pytest.raises(RunError, match="didn't end: it hung"):
            await app({"x": X})
        gate.open()


@pytest.mark.asyncio
async def test_closing_ends_though_a_stage_hangs_and_says_which(
    caplog: pytest.LogCaptureFixture,
) -> None:
    gate = Gate("s0")
    runtime = Runtime(units(FakeBackend(name="cpu", before=gate)))
    await runtime.__aenter__()
    app = await deployed(runtime)
    call = asyncio.ensure_future(app({"x": X}))
    await asyncio.to_thread(gate.reached.wait)
    await runtime.close(timeout="10ms", grace="10ms")
    with pytest.raises(RunError, match="was cancelled"):
        await call
    assert "unit-hung: cpu stage 's0' on unit 'cpu' (backend cpu) didn't end" in caplog.text
    assert runtime.units_state()["cpu"].status is UnitStatus.HUNG
    assert app.tally.cancelled == 1
    gate.open()  # the thread ends when the stage does
    while any(t.name == "hetsched-cpu" for t in threading.enumerate()):
        await asyncio.sleep(0.001)


@pytest.mark.asyncio
@pytest.mark.parametrize("tail", [False, True], ids=["plain", "with-host-stages"])
async def test_closing_waits_for_no_hang_of_which_nothing_is_known(tail: bool) -> None:
    """No timeout, no limit: the grace is one, also for what waits behind the stage that hangs."""
    gate, told = Gate("s0"), list[FaultEvent]()
    cpu, gpu = FakeBackend(name="cpu", before=gate), FakeBackend(name="gpu")
    runtime = Runtime(units(cpu, gpu), on_fault=told.append)
    await runtime.__aenter__()
    post = HostCall(call=dict, where="loop") if tail else ()
    app = await runtime.deploy(ONE, name="a", model=MODEL, post=post)
    calls = [asyncio.ensure_future(app({"x": X})) for _ in range(3)]
    await asyncio.to_thread(gate.reached.wait)
    assert await runtime.close(grace="20ms") == ("cpu",)
    for call in calls:
        with pytest.raises(RunError, match=r"it hung after 0\.02 s"):
            await call
    hung = [event for event in told if event.kind == "unit-hung"]
    assert [(event.unit, event.app, event.stage) for event in hung] == [("cpu", "a", "s0")]
    assert (app.tally.requests, app.tally.failed) == (3, 3)
    names = [thread.name for thread in threading.enumerate()]
    assert [name for name in names if name.startswith("hetsched-")] == ["hetsched-cpu"]
    gate.open()  # the thread ends when the stage does
    while any(t.name == "hetsched-cpu" for t in threading.enumerate()):
        await asyncio.sleep(0.001)


@pytest.mark.asyncio
async def test_closing_waits_for_what_comes_to_its_end() -> None:
    """It takes longer than the grace, but without a watchdog nothing hangs."""
    gate = Gate("s0")
    runtime = Runtime(units(FakeBackend(name="cpu", before=gate)), watchdog="off")
    await runtime.__aenter__()
    app = await runtime.deploy(ONE, name="a", model=MODEL)
    call = asyncio.ensure_future(app({"x": X}))
    await asyncio.to_thread(gate.reached.wait)
    closing = asyncio.ensure_future(runtime.close(grace="1ms"))
    await asyncio.sleep(0.05)
    assert not closing.done()
    gate.open()
    assert await closing in ((), ("cpu",))  # its thread may need more than the grace to end
    np.testing.assert_array_equal((await call)["y"], np.abs(X))


@pytest.mark.asyncio
async def test_closing_kills_what_hangs_where_it_can() -> None:
    reached = threading.Event()

    def before(stage: str) -> None:
        reached.set()
        wait_for(cpu.killed)
        raise UnitDownError(f"killed in {stage}")

    cpu = KillableBackend(name="cpu", before=before)
    runtime = Runtime(units(cpu))
    await runtime.__aenter__()
    app = await deployed(runtime)
    call = asyncio.ensure_future(app({"x": X}))
    await asyncio.to_thread(reached.wait)
    await runtime.close(cancel=True, grace="10ms")
    with pytest.raises(RunError, match="was cancelled"):
        await call
    while any(t.name == "hetsched-cpu" for t in threading.enumerate()):
        await asyncio.sleep(0.001)
    assert cpu.revived == []


@pytest.mark.asyncio
async def test_a_unit_that_waits_for_long_does_not_keep_others_from_being_watched() -> None:
    """`cpu` is out for a minute; meanwhile a stage hangs on `gpu`."""
    gate = Gate("s1")
    faults = Faults(failures=1, window=1, wait_ns=60_000_000_000, longest_wait_ns=60_000_000_000)
    cpu = FakeBackend(name="cpu", before=Script(s0=[BackendError("no luck")]))
    gpu = FakeBackend(name="gpu", before=gate)
    async with Runtime(units(cpu, gpu), faults=faults, watchdog="20ms") as runtime:
        app = await deployed(runtime)
        with pytest.raises(RunError, match=r"stage 's1' on unit 'gpu' .* it hung after 0\.02 s"):
            await app({"x": X})
        assert runtime.units_state()["cpu"].status is UnitStatus.QUARANTINED
        gate.open()
