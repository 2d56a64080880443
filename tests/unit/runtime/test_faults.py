"""Stages that raise, die or hang: who runs them then, and what becomes of their unit."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import aclosing
from dataclasses import dataclass, field

import numpy as np
import pytest

from hetsched.backends.base import Buffer
from hetsched.errors import BackendError, RunError, UnitDownError
from hetsched.runtime import App, HostCall, Runtime, RuntimeUnit, SyncRuntime
from hetsched.runtime.faults import FaultEvent, Faults, UnitStatus
from tests.unit.runtime.fakes import FakeBackend, FakeBuffer, Gate, make_model, op
from tests.unit.runtime.plans import plan_of

X = np.array([1, -2, 3, -4], np.float32)
MODEL = make_model([op("a", "Neg", "x", "t"), op("b", "Abs", "t", "y")], outputs=["y"])
"""y = |x|."""
TWO = plan_of(MODEL, [("cpu", "a"), ("cpu", "b")])
ONE = plan_of(MODEL, [("cpu", "ab")])
QUICK = Faults(wait_ns=1_000_000, longest_wait_ns=4_000_000)


@pytest.fixture(autouse=True)
def _no_thread_stays() -> Iterator[None]:
    yield
    assert [t.name for t in threading.enumerate() if t.name.startswith("hetsched-")] == []


@dataclass(slots=True, kw_only=True)
class MortalBackend(FakeBackend):
    """Can be brought back.

    Attributes:
        revive_with: called to bring it back; may raise.
        revived: threads that did.
    """

    revive_with: Callable[[], None] = lambda: None
    revived: list[str] = field(default_factory=list)

    def revive(self) -> None:
        self.revived.append(threading.current_thread().name)
        self.revive_with()


class Script:
    """What becomes of a stage's runs: an error to raise for each, None for all's well."""

    def __init__(self, **errors: list[Exception | None]) -> None:
        self.errors = errors

    def __call__(self, stage: str) -> None:
        left = self.errors.get(stage)
        if left and (error := left.pop(0)) is not None:
            raise error


def units(*backends: FakeBackend) -> list[RuntimeUnit]:
    return [RuntimeUnit(name=each.name, backend=each) for each in backends]


async def deployed(runtime: Runtime, **how: object) -> App:
    how = {"alternatives": "all", **how}
    return await runtime.deploy(TWO, name="a", model=MODEL, **how)  # type: ignore[arg-type]


async def status_is(runtime: Runtime, unit: str, status: UnitStatus) -> None:
    while runtime.units_state()[unit].status is not status:
        await asyncio.sleep(0.001)


def kinds(told: list[FaultEvent]) -> list[tuple[str, str]]:
    return [(event.kind, event.unit) for event in told]


DOWN = UnitDownError("the driver crashed")


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
    cpu = MortalBackend(name="cpu", before=Script(s0=[DOWN]), revive_with=lambda: _wait(mended))
    async with Runtime(units(cpu, FakeBackend(name="gpu"))) as runtime:
        app = await deployed(runtime)
        for _ in range(3):
            result = await app.request({"x": X})
            np.testing.assert_array_equal(result.outputs["y"], np.abs(X))
            assert {stage.unit for stage in result.stages} == {"gpu"}
        assert runtime.units_state()["cpu"].status is UnitStatus.DOWN
        mended.set()
        await status_is(runtime, "cpu", UnitStatus.UP)


def _wait(event: threading.Event) -> None:
    assert event.wait(60)


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


# ---- hanging ----


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


@dataclass(slots=True, kw_only=True)
class KillableBackend(MortalBackend):
    """What runs there ends when it is killed."""

    killed: threading.Event = field(default_factory=threading.Event)

    def kill(self) -> None:
        self.killed.set()


@pytest.mark.asyncio
async def test_what_hangs_in_a_backend_that_can_be_killed_is_killed_and_done_again() -> None:
    told: list[FaultEvent] = []
    runs: list[str] = []

    def before(stage: str) -> None:
        runs.append(stage)
        if len(runs) == 1:
            _wait(cpu.killed)
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


# ---- quarantine ----


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


@pytest.mark.asyncio
async def test_closing_kills_what_hangs_where_it_can() -> None:
    reached = threading.Event()

    def before(stage: str) -> None:
        reached.set()
        _wait(cpu.killed)
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
