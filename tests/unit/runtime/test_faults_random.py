"""Everything goes wrong at random, under load: no request is lost, answered twice or wrongly."""

import asyncio
import contextlib
import os
import random
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import pytest

from hetsched.backends.base import Buffer
from hetsched.errors import BackendError, RunError, UnitDownError, ValueLostError
from hetsched.runtime import App, Runtime, RuntimeUnit
from hetsched.runtime.faults import Faults, UnitStatus
from tests.unit.runtime.fakes import DIAMOND, FakeBackend, FakeBuffer, diamond
from tests.unit.runtime.plans import plan_of

SEEDS = range(60 if os.environ.get("HETSCHED_FULL") else 8)
REQUESTS = 60
PARTS = [("cpu", ["head"]), ("cpu", ["left"]), ("gpu", ["right"]), ("npu", ["tail"])]
QUICK = Faults(
    failures=3, window=6, deaths=3, revivals=2, wait_ns=200_000, longest_wait_ns=1_000_000,
    patience_ns=20_000_000,
)  # fmt: skip


@pytest.fixture(autouse=True)
def _no_thread_stays() -> Iterator[None]:
    yield
    assert [t.name for t in threading.enumerate() if t.name.startswith("hetsched-")] == []


@dataclass(slots=True, kw_only=True)
class WildBackend(FakeBackend):
    """Fails in every way, each with a probability of 1 in 25 a stage; half of its revivals fail.

    Attributes:
        luck: whose numbers decide; each thread asks in its turn.
        is_tame: nothing goes wrong any more.
        freed: what hangs waits for it.
    """

    luck: random.Random
    is_tame: bool = False
    freed: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.before = self._before
        self.spoil = self._spoil

    def _before(self, stage: str) -> None:
        number = 99 if self.is_tame else self.luck.randrange(25)
        if number == 0:
            raise BackendError("no luck")
        if number == 1:
            raise UnitDownError("dead")
        if number == 2:
            self.freed.wait(0.005 * self.luck.randrange(1, 5))
        if number == 3:
            raise ValueLostError("lost")
        if number == 4:
            raise ZeroDivisionError(stage)

    def _spoil(self, stage: str, made: list[Buffer]) -> list[Buffer]:  # noqa: ARG002 - its type
        number = 99 if self.is_tame else self.luck.randrange(25)
        if number == 0:
            return []
        if number == 1:
            return [FakeBuffer(np.zeros(7, np.float32)) for _ in made]
        return made

    def revive(self) -> None:
        if not self.is_tame and self.luck.randrange(2):
            raise BackendError("not yet")


@dataclass(slots=True, kw_only=True)
class WildKillableBackend(WildBackend):
    """What hangs in it is ended by a kill."""

    def _before(self, stage: str) -> None:
        self.freed.clear()
        WildBackend._before(self, stage)
        if self.freed.is_set():
            raise UnitDownError("killed")

    def kill(self) -> None:
        self.freed.set()


async def one(app: App, number: int, luck: random.Random, ended: list[str]) -> None:
    """A request of any kind; a status is noted once for each."""
    x = np.full(4, number - REQUESTS / 2, np.float32)
    try:
        kind = luck.randrange(6)
        if kind == 0:
            outputs = await asyncio.to_thread(app.run, {"x": x})
        elif kind == 1:
            outputs = await app({"x": x}, timeout="8ms")
        elif kind == 2:
            outputs = await app({"x": x}, deadline="8ms")
        else:
            outputs = await app({"x": x})
    except TimeoutError:
        ended.append("timed out")
        return
    except RunError as error:
        ended.append("dropped" if "was dropped" in str(error) else "failed")
        return
    for name, want in diamond(x).items():
        np.testing.assert_array_equal(outputs[name], want)
    ended.append("answered")


@pytest.mark.asyncio
@pytest.mark.parametrize("seed", SEEDS)
async def test_every_request_ends_once_and_no_answer_is_wrong(seed: int) -> None:
    luck = random.Random(seed)
    kinds = {"cpu": WildBackend, "gpu": WildBackend, "npu": WildKillableBackend}
    backends = [kind(name=name, luck=luck) for name, kind in kinds.items()]
    units = [RuntimeUnit(name=each.name, backend=each) for each in backends]
    ended: list[str] = []
    policy = luck.choice(["fifo", "edf", "weighted-fair", "least-slack", "heft"])
    async with Runtime(units, policy=policy, watchdog="4ms", faults=QUICK) as runtime:
        plan = plan_of(DIAMOND, PARTS)
        app = await runtime.deploy(plan, name="a", model=DIAMOND, alternatives="all")
        calls = [asyncio.ensure_future(one(app, n, luck, ended)) for n in range(REQUESTS)]
        if seed % 2:
            await asyncio.sleep(0.01)
            await tried_redeploy(app)
        await asyncio.gather(*calls)
        tally = app.tally
        assert len(ended) == tally.requests == REQUESTS
        assert tally.in_flight == 0
        # Whoever didn't wait any more may have been answered at the same moment, or have failed.
        unknown = ended.count("timed out")
        assert 0 <= tally.completed + tally.missed - ended.count("answered") <= unknown
        assert 0 <= tally.failed - ended.count("failed") <= unknown
        assert 0 <= tally.dropped - ended.count("dropped") <= unknown
        assert tally.cancelled <= unknown
        await all_is_well_again(runtime, backends, app)


async def tried_redeploy(app: App) -> None:
    """Compiling on a unit that hangs is refused; the app goes on as it was then."""
    try:
        await app.redeploy(plan_of(DIAMOND, PARTS), model=DIAMOND)
    except BackendError as refused:
        if "hung" not in str(refused):
            raise


async def all_is_well_again(runtime: Runtime, backends: list[WildBackend], app: App) -> None:
    """Once nothing goes wrong any more, every unit comes back, and every request is answered."""
    for backend in backends:
        backend.is_tame = True
        backend.freed.set()
    while True:
        states = runtime.units_state().values()
        if all(state.status is UnitStatus.UP for state in states):
            break
        for state in states:
            if state.status is UnitStatus.GIVEN_UP:
                with contextlib.suppress(RunError):  # it is still stuck
                    runtime.retry(state.name)
        await asyncio.sleep(0.001)
    x = np.arange(4, dtype=np.float32)
    for _ in range(5):
        outputs = await app({"x": x})
        for name, want in diamond(x).items():
            np.testing.assert_array_equal(outputs[name], want)
