"""Values that went down with the unit that made them: the request starts anew from its inputs."""

import asyncio
import threading
from collections.abc import Iterator

import numpy as np
import pytest

from hetsched.errors import RunError, UnitDownError, ValueLostError
from hetsched.runtime import Runtime, RuntimeUnit
from hetsched.runtime.faults import Faults
from tests.unit.runtime.fakes import DIAMOND, FakeBackend, Gate, diamond
from tests.unit.runtime.plans import plan_of

X = np.array([1, -2, 3, -4], np.float32)
PARTS = [("cpu", ["head"]), ("cpu", ["left"]), ("gpu", ["right"]), ("cpu", ["tail"])]
SPLIT = plan_of(DIAMOND, PARTS)
LOST = ValueLostError("the value is lost")


@pytest.fixture(autouse=True)
def _no_thread_stays() -> Iterator[None]:
    yield
    assert [t.name for t in threading.enumerate() if t.name.startswith("hetsched-")] == []


def units(backend: FakeBackend) -> list[RuntimeUnit]:
    return [RuntimeUnit(name=name, backend=backend) for name in ("cpu", "gpu")]


def runs(backend: FakeBackend) -> list[str]:
    return sorted(stage for stage, _ in backend.threads)


class Loses:
    """The first runs of a stage find a value lost."""

    def __init__(self, stage: str, times: int, error: Exception = LOST) -> None:
        self.stage, self.left, self.error = stage, times, error

    def __call__(self, stage: str) -> None:
        if stage == self.stage and self.left:
            self.left -= 1
            raise self.error


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "error", [LOST, UnitDownError("what gpu made is lost", unit="gpu")], ids=["lost", "another's"]
)
async def test_all_of_it_is_computed_again(error: Exception) -> None:
    backend = FakeBackend(before=Loses("s3", 2, error))
    async with Runtime(units(backend)) as runtime:
        app = await runtime.deploy(SPLIT, name="a", model=DIAMOND)
        result = await app.request({"x": X}, deadline="1min")
        for name, want in diamond(X).items():
            np.testing.assert_array_equal(result.outputs[name], want)
        assert runtime.units_state()["cpu"].deaths == 0
    assert runs(backend) == sorted(["s0", "s1", "s2", "s3"] * 3)
    assert (app.tally.requests, app.tally.completed) == (1, 1)


@pytest.mark.asyncio
async def test_it_waits_for_the_stages_that_still_run() -> None:
    """`s1` finds its value lost while `s2` runs on the other unit."""
    gate = Gate("s2")
    loses = Loses("s1", 1)

    def before(stage: str) -> None:
        gate(stage)
        loses(stage)

    backend = FakeBackend(before=before)
    async with Runtime(units(backend)) as runtime:
        app = await runtime.deploy(SPLIT, name="a", model=DIAMOND)
        call = asyncio.ensure_future(app({"x": X}))
        await asyncio.to_thread(gate.reached.wait)
        while loses.left:
            await asyncio.sleep(0)
        assert runs(backend) == ["s0", "s1", "s2"]
        gate.open()
        for name, want in diamond(X).items():
            np.testing.assert_array_equal((await call)[name], want)
    assert runs(backend) == sorted(["s0", "s1", "s2"] * 2 + ["s3"])


@pytest.mark.asyncio
async def test_what_is_cancelled_meanwhile_does_not_start_anew() -> None:
    gate = Gate("s2")
    loses = Loses("s1", 1)

    def before(stage: str) -> None:
        gate(stage)
        loses(stage)

    backend = FakeBackend(before=before)
    async with Runtime(units(backend)) as runtime:
        app = await runtime.deploy(SPLIT, name="a", model=DIAMOND)
        call = asyncio.ensure_future(app({"x": X}))
        await asyncio.to_thread(gate.reached.wait)
        while not any(request.is_lost for request in runtime._engine._shared.requests.values()):
            await asyncio.sleep(0)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        gate.open()
    assert runs(backend) == ["s0", "s1", "s2"]
    assert (app.tally.requests, app.tally.cancelled) == (1, 1)


@pytest.mark.asyncio
async def test_a_request_does_not_start_anew_for_ever() -> None:
    backend = FakeBackend(before=Loses("s3", 99))
    async with Runtime(units(backend), faults=Faults(deaths=3)) as runtime:
        app = await runtime.deploy(SPLIT, name="a", model=DIAMOND)
        with pytest.raises(RunError, match=r"stage 's3' on unit 'cpu' .* the value is lost"):
            await app({"x": X})
    assert runs(backend).count("s3") == 4
    assert (app.tally.requests, app.tally.failed) == (1, 1)
