"""What goes wrong with one request stays with that request; nothing is left behind."""

import asyncio
import threading
from collections.abc import Iterator
from typing import NoReturn

import numpy as np
import pytest

from hetsched.backends.base import Buffer
from hetsched.backends.null import NullBackend
from hetsched.errors import RunError
from hetsched.runtime import App, Runtime, RuntimeUnit
from tests.unit.runtime.fakes import DIAMOND, FakeBackend, FakeBuffer, Gate, diamond
from tests.unit.runtime.plans import plan_of

X = np.array([1, -2, 3, -4], np.float32)
SPLIT = plan_of(
    DIAMOND, [("cpu", ["head"]), ("cpu", ["left"]), ("gpu", ["right"]), ("cpu", ["tail"])]
)


@pytest.fixture(autouse=True)
def _no_thread_stays() -> Iterator[None]:
    yield
    assert [t.name for t in threading.enumerate() if t.name.startswith("hetsched-")] == []


def units(backend: FakeBackend) -> list[RuntimeUnit]:
    return [RuntimeUnit(name=name, backend=backend) for name in ("cpu", "gpu")]


async def deployed(runtime: Runtime) -> App:
    return await runtime.deploy(SPLIT, name="a", model=DIAMOND)


def same(got: dict[str, np.ndarray], want: dict[str, np.ndarray]) -> None:
    for name, array in want.items():
        np.testing.assert_array_equal(got[name], array)


class Raises:
    """Raises in the n-th run of a stage."""

    def __init__(self, stage: str, number: int, error: Exception) -> None:
        self.stage, self.number, self.error = stage, number, error
        self.seen = 0

    def __call__(self, stage: str) -> None:
        if stage == self.stage:
            self.seen += 1
            if self.seen == self.number:
                raise self.error


@pytest.mark.asyncio
@pytest.mark.parametrize("stage", ["s0", "s1", "s2", "s3"])
@pytest.mark.parametrize(
    ("kind", "says"), [(ZeroDivisionError, "oops"), (MemoryError, "no room"), (OSError, "gone")]
)
async def test_a_raising_stage_fails_its_request_only(
    stage: str, kind: type[Exception], says: str
) -> None:
    error = kind(says)
    backend = FakeBackend(before=Raises(stage, 3, error))
    async with Runtime(units(backend)) as runtime:
        app = await deployed(runtime)
        got = await asyncio.gather(*(app({"x": X + i}) for i in range(8)), return_exceptions=True)
    failed = [i for i, outputs in enumerate(got) if isinstance(outputs, BaseException)]
    assert len(failed) == 1
    unit = "gpu" if stage == "s2" else "cpu"
    assert isinstance(got[failed[0]], RunError)
    assert str(got[failed[0]]) == (
        f"stage {stage!r} on unit {unit!r} (backend fake) failed: {type(error).__name__}: {error}"
    )
    for i, outputs in enumerate(got):
        if isinstance(outputs, dict):
            same(outputs, diamond(X + i))


@pytest.mark.asyncio
async def test_a_scripted_failure_of_the_null_backend_names_the_stage() -> None:
    backend = NullBackend(failures={"s1": [0]})
    plan = plan_of(DIAMOND, [("cpu", ["head", "left"]), ("cpu", ["right", "tail"])])
    async with Runtime([RuntimeUnit(name="cpu", backend=backend)]) as runtime:
        app = await runtime.deploy(plan, name="a", model=DIAMOND)
        with pytest.raises(RunError, match=r"stage 's1' on unit 'cpu' \(backend null\) failed"):
            app.run({"x": X})
        assert app.run({"x": X})["y"].tolist() == [0, 0, 0, 0]


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("made", "message"),
    [
        ([], "it made 0 values instead of 1"),
        ([FakeBuffer(X), FakeBuffer(X)], "it made 2 values instead of 1"),
        (
            [FakeBuffer(X[:2])],
            r"it made 'y' as float32 of shape \(2,\) instead of float32 of shape",
        ),
        ([FakeBuffer(X.astype(np.float64))], r"it made 'y' as float64 of shape \(4,\) instead of"),
    ],
)
async def test_what_a_stage_makes_wrongly_never_reaches_the_caller(
    made: list[Buffer], message: str
) -> None:
    backend = FakeBackend(spoil=lambda stage, right: made if stage == "s3" else right)
    async with Runtime(units(backend)) as runtime:
        app = await deployed(runtime)
        with pytest.raises(RunError, match=r"stage 's3' on unit 'cpu' .*" + message):
            await app({"x": X})
        with pytest.raises(RunError, match=message):
            app.run({"x": X})


@pytest.mark.asyncio
async def test_what_goes_wrong_between_backends_is_found_where_it_is_read() -> None:
    cpu = FakeBackend(name="one", spoil=lambda _, __: [FakeBuffer(X[:2])])
    gpu = FakeBackend(name="two")
    plan = plan_of(DIAMOND, [("cpu", ["head"]), ("gpu", ["left", "right", "tail"])])
    both = [RuntimeUnit(name="cpu", backend=cpu), RuntimeUnit(name="gpu", backend=gpu)]
    async with Runtime(both) as runtime:
        app = await runtime.deploy(plan, name="a", model=DIAMOND)
        with pytest.raises(RunError, match=r"'a' as float32 of shape \(2,\)"):
            await app({"x": X})


@pytest.mark.asyncio
async def test_a_cancelled_request_starts_no_further_stage() -> None:
    gate = Gate("s0")
    backend = FakeBackend(before=gate)
    async with Runtime(units(backend)) as runtime:
        app = await deployed(runtime)
        first = asyncio.ensure_future(app({"x": X}))
        await asyncio.to_thread(gate.reached.wait)
        queued = asyncio.ensure_future(app({"x": X}))
        await asyncio.sleep(0)
        first.cancel()
        queued.cancel()
        for task in (first, queued):
            with pytest.raises(asyncio.CancelledError):
                await task
        gate.open()
        same(await app({"x": X + 1}), diamond(X + 1))
    # The one that ran goes to its stage's end; then only the third request's four stages.
    assert [stage for stage, _ in backend.threads].count("s0") == 2
    assert len(backend.threads) == 5


@pytest.mark.asyncio
async def test_leaving_waits_for_requests_in_flight() -> None:
    gate = Gate("s3")
    backend = FakeBackend(before=gate)
    async with Runtime(units(backend)) as runtime:
        app = await deployed(runtime)
        waiting = [asyncio.ensure_future(app({"x": X + i})) for i in range(5)]
        await asyncio.to_thread(gate.reached.wait)
        asyncio.get_running_loop().call_soon(gate.open)
    for i, task in enumerate(waiting):
        same(await task, diamond(X + i))


@pytest.mark.asyncio
async def test_leaving_with_an_exception_cancels_requests_in_flight() -> None:
    gate = Gate("s0")
    backend = FakeBackend(before=gate)
    waiting: list[asyncio.Future[dict[str, np.ndarray]]] = []
    opener: list[asyncio.Future[None]] = []

    async def open_when_cancelled(runtime: Runtime) -> None:
        while runtime._engine._shared.requests:
            await asyncio.sleep(0)
        gate.open()

    async def crash() -> NoReturn:
        async with Runtime(units(backend)) as runtime:
            app = await deployed(runtime)
            waiting.extend(asyncio.ensure_future(app({"x": X})) for _ in range(3))
            await asyncio.to_thread(gate.reached.wait)
            opener.append(asyncio.ensure_future(open_when_cancelled(runtime)))
            raise KeyError("a bug in the application")

    with pytest.raises(KeyError, match="a bug in the application"):
        await crash()
    await opener[0]
    for task in waiting:
        with pytest.raises(RunError, match="a request of app 'a' was cancelled: it has no result"):
            await task
    assert backend.threads == [("s0", "hetsched-cpu")]


@pytest.mark.asyncio
async def test_closing_that_is_cancelled_still_ends_the_workers() -> None:
    gate = Gate("s0")
    runtime = Runtime(units(FakeBackend(before=gate)))
    await runtime.__aenter__()
    app = await deployed(runtime)
    waiting = asyncio.ensure_future(app({"x": X}))
    await asyncio.to_thread(gate.reached.wait)
    closing = asyncio.ensure_future(runtime.close())
    await asyncio.sleep(0)
    closing.cancel()
    while runtime._engine._shared.requests:  # until closing has seen it and cancelled them
        await asyncio.sleep(0)
    gate.open()
    with pytest.raises(asyncio.CancelledError):
        await closing
    with pytest.raises(RunError, match="was cancelled"):
        await waiting


class Interrupts:
    """Raises what isn't an `Exception` in the first run of a stage."""

    def __init__(self, error: BaseException) -> None:
        self.error: BaseException | None = error

    def __call__(self, stage: str) -> None:
        error = self.error
        if stage == "s0" and error is not None:
            self.error = None
            raise error


@pytest.mark.asyncio
async def test_an_interrupted_synchronous_call_frees_its_unit() -> None:
    async with Runtime(units(FakeBackend(before=Interrupts(KeyboardInterrupt())))) as runtime:
        app = await deployed(runtime)
        with pytest.raises(KeyboardInterrupt):
            app.run({"x": X})
        same(app.run({"x": X}), diamond(X))


@pytest.mark.asyncio
async def test_a_worker_survives_whatever_a_stage_raises() -> None:
    async with Runtime(units(FakeBackend(before=Interrupts(SystemExit())))) as runtime:
        app = await deployed(runtime)
        with pytest.raises(RunError, match="a request of app 'a' was interrupted: SystemExit"):
            await app({"x": X})
        same(await app({"x": X}), diamond(X))


@pytest.mark.asyncio
async def test_calls_from_many_threads_and_tasks_mix() -> None:
    backend = FakeBackend(before=Raises("s1", 50, RuntimeError("one in many")))
    async with Runtime(units(backend)) as runtime:
        app = await deployed(runtime)
        calls = [
            asyncio.to_thread(app.run, {"x": X + i}) if i % 2 else app({"x": X + i})
            for i in range(200)
        ]
        got = await asyncio.gather(*calls, return_exceptions=True)
    assert sum(isinstance(outputs, RunError) for outputs in got) == 1
    for i, outputs in enumerate(got):
        if isinstance(outputs, dict):
            same(outputs, diamond(X + i))
