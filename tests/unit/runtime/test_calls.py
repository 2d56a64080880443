"""Ways of calling: timeouts, streams, hot redeployment, programs without a loop."""

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import aclosing

import numpy as np
import pytest

from hetsched.errors import BackendError, RunError
from hetsched.runtime import Runtime, RuntimeUnit, SyncRuntime
from tests.unit.runtime.fakes import DIAMOND, FakeBackend, Gate, diamond, make_model, op
from tests.unit.runtime.plans import plan_of

X = np.array([1, -2, 3, -4], np.float32)
MODEL = make_model([op("neg", "Neg", "x", "y")], outputs=["y"])
PLAN = plan_of(MODEL, [("cpu", ["neg"])])


def unit(backend: FakeBackend) -> list[RuntimeUnit]:
    return [RuntimeUnit(name="cpu", backend=backend)]


@pytest.mark.asyncio
async def test_a_timeout_frees_the_queue() -> None:
    gate = Gate("s0")
    backend = FakeBackend(before=gate)
    async with Runtime(unit(backend)) as runtime:
        app = await runtime.deploy(PLAN, name="a", model=MODEL)
        with pytest.raises(TimeoutError, match=r"app 'a' gave no answer in 300\.0 ms"):
            await app({"x": X}, timeout="300ms")  # time enough for a busy machine to start it
        with pytest.raises(TimeoutError, match=r"gave no answer in 2\.000 us"):
            await asyncio.to_thread(app.run, {"x": X}, timeout=2000)
        gate.open()
        np.testing.assert_array_equal((await app({"x": X}))["y"], -X)
    assert len(backend.threads) == 2  # the one that ran goes to its end, the queued one never ran
    assert app.tally.cancelled == 2


@pytest.mark.asyncio
async def test_what_comes_in_time_is_answered() -> None:
    async with Runtime(unit(FakeBackend())) as runtime:
        app = await runtime.deploy(PLAN, name="a", model=MODEL)
        np.testing.assert_array_equal((await app({"x": X}, timeout="30s"))["y"], -X)
        np.testing.assert_array_equal(app.run({"x": X}, timeout="30s")["y"], -X)


@pytest.mark.asyncio
async def test_closing_gives_requests_a_while() -> None:
    gate = Gate("s0")
    runtime = Runtime(unit(FakeBackend(before=gate)))
    await runtime.__aenter__()
    app = await runtime.deploy(PLAN, name="a", model=MODEL)
    calls = [asyncio.ensure_future(app({"x": X})) for _ in range(3)]
    await asyncio.to_thread(gate.reached.wait)
    closing = asyncio.ensure_future(runtime.close(timeout="1ms"))
    while app.tally.cancelled < 3:
        await asyncio.sleep(0)
    gate.open()
    await closing
    for call in calls:
        with pytest.raises(RunError, match="was cancelled"):
            await call


class Camera:
    """Gives numbered frames when it is told to."""

    def __init__(self) -> None:
        self.frames: asyncio.Queue[int | None] = asyncio.Queue()
        self.given = 0

    async def __aiter__(self) -> AsyncIterator[dict[str, np.ndarray]]:
        while (number := await self.frames.get()) is not None:
            self.given += 1
            yield {"x": X + number}


@pytest.mark.asyncio
@pytest.mark.parametrize("limit", [1, 2, 5])
async def test_a_stream_answers_in_order(limit: int) -> None:
    async with Runtime(unit(FakeBackend())) as runtime:
        app = await runtime.deploy(PLAN, name="a", model=MODEL)
        frames = [{"x": X + i} for i in range(20)]
        got = [out["y"] async for out in app.stream(frames, max_in_flight=limit)]
    np.testing.assert_array_equal(got, [-(X + i) for i in range(20)])


@pytest.mark.asyncio
async def test_a_stream_keeps_the_latest_when_told() -> None:
    """Frame 0 is held up; of 1, 2 and 3, which come meanwhile, only 3 is answered."""
    gate = Gate("s0")
    camera = Camera()
    async with Runtime(unit(FakeBackend(before=gate))) as runtime:
        app = await runtime.deploy(PLAN, name="a", model=MODEL)
        got: list[np.ndarray] = []

        async def watch() -> None:
            answers = app.stream(camera, max_in_flight=1, drop="latest")
            got.extend([out["y"] async for out in answers])

        watching = asyncio.ensure_future(watch())
        camera.frames.put_nowait(0)
        await asyncio.to_thread(gate.reached.wait)
        for number in (1, 2, 3, None):
            camera.frames.put_nowait(number)
        while camera.given < 4:
            await asyncio.sleep(0)
        assert app.tally.requests == 1
        gate.open()
        await watching
    np.testing.assert_array_equal(got, [-X, -(X + 3)])


@pytest.mark.asyncio
async def test_a_stream_waits_with_reading_while_it_is_full() -> None:
    gate = Gate("s0")
    camera = Camera()
    async with Runtime(unit(FakeBackend(before=gate))) as runtime:
        app = await runtime.deploy(PLAN, name="a", model=MODEL)
        for number in (0, 1, 2, 3, None):
            camera.frames.put_nowait(number)
        async with aclosing(app.stream(camera, max_in_flight=2)) as answers:
            first = asyncio.ensure_future(anext(answers))
            await asyncio.to_thread(gate.reached.wait)
            for _ in range(20):
                await asyncio.sleep(0)
            assert (app.tally.requests, camera.given) == (2, 3)  # the third is in hand
            gate.open()
            await first
            assert len([out async for out in answers]) == 3


@pytest.mark.asyncio
async def test_leaving_a_stream_cancels_what_is_in_flight() -> None:
    gate = Gate("s1")
    backend = FakeBackend(before=gate)
    halves = plan_of(DIAMOND, [("cpu", ["head", "left"]), ("cpu", ["right", "tail"])])
    async with Runtime(unit(backend)) as runtime:
        app = await runtime.deploy(halves, name="a", model=DIAMOND)
        async with aclosing(app.stream([{"x": X}] * 5, max_in_flight=3)) as answers:
            waiting = asyncio.ensure_future(anext(answers))
            await asyncio.to_thread(gate.reached.wait)
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
        assert app.tally.in_flight == 0
        assert app.tally.cancelled == app.tally.requests == 3
        gate.open()
    assert [t.get_name() for t in asyncio.all_tasks()] == [asyncio.current_task().get_name()]  # type: ignore[union-attr]


@pytest.mark.asyncio
async def test_a_failure_ends_a_stream_and_so_does_the_source() -> None:
    async with Runtime(unit(FakeBackend())) as runtime:
        app = await runtime.deploy(PLAN, name="a", model=MODEL)
        with pytest.raises(RunError, match="no input 'z'"):
            _ = [out async for out in app.stream([{"x": X}, {"z": X}])]

        async def broken() -> AsyncIterator[dict[str, np.ndarray]]:
            yield {"x": X}
            raise OSError("no camera")

        answers = app.stream(broken())
        np.testing.assert_array_equal((await anext(answers))["y"], -X)
        with pytest.raises(OSError, match="no camera"):
            await anext(answers)
        with pytest.raises(RunError, match="max_in_flight is 0: give 1 or more"):
            app.stream([], max_in_flight=0)
        with pytest.raises(RunError, match="drop is 'all': give None or 'latest'"):
            app.stream([], drop="all")  # type: ignore[arg-type]


@pytest.mark.asyncio
async def test_dropped_requests_are_passed_over_in_a_stream() -> None:
    gate = Gate("s0")
    async with Runtime(unit(FakeBackend(before=gate))) as runtime:
        app = await runtime.deploy(PLAN, name="a", model=MODEL, capacity=1, full="drop-oldest")
        frames = [{"x": X + i} for i in range(4)]
        answers = app.stream(frames, max_in_flight=4)
        first = asyncio.ensure_future(anext(answers))
        while app.tally.requests < 4:
            await asyncio.sleep(0)
        gate.open()
        got = [(await first)["y"], *[out["y"] async for out in answers]]
    # Frame 0 runs or waits when 1 comes; in the end the unit has run 0, and 3 was the last to wait.
    np.testing.assert_array_equal(got[-1], -(X + 3))
    assert app.tally.dropped == 4 - len(got) >= 1


@pytest.mark.asyncio
async def test_redeploying_loses_nothing() -> None:
    """Requests keep coming from tasks and threads while plans are exchanged."""
    plans = [
        plan_of(DIAMOND, [("cpu", ["head", "left"]), ("cpu", ["right", "tail"])]),
        plan_of(DIAMOND, [("cpu", ["head", "left", "right", "tail"])]),
    ]
    async with Runtime(unit(FakeBackend())) as runtime:
        app = await runtime.deploy(plans[0], name="a", model=DIAMOND)
        stop = asyncio.Event()

        async def ask(number: int) -> int:
            count = 0
            while not stop.is_set():
                x = X + number
                got = await (asyncio.to_thread(app.run, {"x": x}) if number % 2 else app({"x": x}))
                np.testing.assert_array_equal(got["y"], diamond(x)["y"])
                count += 1
            return count

        asking = [asyncio.ensure_future(ask(number)) for number in range(6)]
        for turn in range(1, 9):
            await app.redeploy(plans[turn % 2], model=DIAMOND)
        stop.set()
        answered = sum(await asyncio.gather(*asking))
    assert (app.tally.requests, app.tally.completed) == (answered, answered)
    assert app.plan is plans[0]


@pytest.mark.asyncio
async def test_requests_in_flight_end_on_the_old_plan() -> None:
    gate = Gate("s0")
    backend = FakeBackend(before=gate)
    split = plan_of(DIAMOND, [("cpu", ["head"]), ("cpu", ["left", "right", "tail"])])
    whole = plan_of(DIAMOND, [("cpu", ["head", "left", "right", "tail"])])
    two = [RuntimeUnit(name=name, backend=backend) for name in ("cpu", "other")]
    async with Runtime(two) as runtime:
        app = await runtime.deploy(split, name="a", model=DIAMOND)
        old = asyncio.ensure_future(app({"x": X}))
        await asyncio.to_thread(gate.reached.wait)
        await app.redeploy(whole, model=DIAMOND, mapping={"cpu": "other"})
        new = asyncio.ensure_future(app({"x": X + 1}))
        while app.tally.requests < 2:
            await asyncio.sleep(0)
        gate.open()
        np.testing.assert_array_equal((await old)["y"], diamond(X)["y"])
        np.testing.assert_array_equal((await new)["y"], diamond(X + 1)["y"])
    assert sorted(stage for stage, _ in backend.threads) == ["s0", "s0", "s1"]


@pytest.mark.asyncio
async def test_a_plan_that_cannot_be_loaded_replaces_nothing() -> None:
    odd = make_model([op("odd", "Sqrt", "x", "y")], outputs=["y"])
    async with Runtime(unit(FakeBackend())) as runtime:
        app = await runtime.deploy(PLAN, name="a", model=MODEL)
        with pytest.raises(BackendError, match="op 'odd'"):
            await app.redeploy(plan_of(odd, [("cpu", ["odd"])]), model=odd)
        np.testing.assert_array_equal((await app({"x": X}))["y"], -X)
    with pytest.raises(RunError, match="this runtime is closed"):
        await app.redeploy(PLAN, model=MODEL)


def test_a_program_without_a_loop() -> None:
    backend = FakeBackend()
    with SyncRuntime(unit(backend), policy="edf") as runtime:
        app = runtime.deploy(PLAN, name="a", model=MODEL, deadline="1min")
        np.testing.assert_array_equal(app.run({"x": X})["y"], -X)
        assert backend.threads == [("s0", threading.current_thread().name)]
        runtime.redeploy(app, PLAN, model=MODEL)
        assert app.run_timed({"x": X}).status == "completed"
    with pytest.raises(RunError, match="the runtime is closed"):
        app.run({"x": X})
    with pytest.raises(RunError, match="this runtime is closed: make a new one"), runtime:
        pass
    assert not [t for t in threading.enumerate() if t.name.startswith("hetsched-")]


@pytest.mark.asyncio
async def test_a_program_with_a_loop_needs_the_other_one() -> None:
    with pytest.raises(RunError, match="an event loop runs in this thread: use Runtime"):
        SyncRuntime(unit(FakeBackend())).deploy(PLAN, name="a", model=MODEL)


def test_leaving_a_program_with_an_exception_cancels() -> None:
    runtime = SyncRuntime(unit(FakeBackend()))
    with pytest.raises(KeyError), runtime:
        raise KeyError
    assert not [t for t in threading.enumerate() if t.name.startswith("hetsched-")]
