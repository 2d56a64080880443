"""Whatever comes together, every request ends once, in one way, and with its own numbers."""

import asyncio
import random
import threading
from collections import Counter
from collections.abc import Iterator

import numpy as np
import pytest

from hetsched.errors import DroppedError, RunError
from hetsched.runtime import POLICIES, App, Runtime, RuntimeUnit
from tests.unit.runtime.fakes import DIAMOND, FakeBackend, diamond
from tests.unit.runtime.plans import plan_of

X = np.array([1, -2, 3, -4], np.float32)
SPLIT = plan_of(
    DIAMOND, [("cpu", ["head"]), ("cpu", ["left"]), ("gpu", ["right"]), ("cpu", ["tail"])]
)
WHOLE = plan_of(DIAMOND, [("gpu", ["head", "left", "right", "tail"])])
REQUESTS = 120


@pytest.fixture(autouse=True)
def _no_thread_stays() -> Iterator[None]:
    yield
    assert [t.name for t in threading.enumerate() if t.name.startswith("hetsched-")] == []


class Moody:
    """Fails now and then, whatever thread it is called on."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._lock = threading.Lock()

    def __call__(self, stage: str) -> None:
        with self._lock:
            mood = self._random.random()
        if mood < 0.03:
            raise OSError(f"{stage}'s driver has hiccups")


async def ask(app: App, number: int, seed: int) -> str:
    """One request in one of the ways of asking; how it ended, as its caller sees it."""
    kind = random.Random(seed * 1000 + number).random()
    x = X + number
    try:
        if kind < 0.2:
            outputs = await asyncio.to_thread(app.run, {"x": x})
        elif kind < 0.3:
            outputs = await app({"x": x}, timeout=200_000)
        elif kind < 0.5:
            outputs = await app({"x": x}, deadline=400_000)
        elif kind < 0.6:
            task = asyncio.ensure_future(app({"x": x}))
            await asyncio.sleep(0)
            task.cancel()
            outputs = await task
        else:
            outputs = await app({"x": x})
    except DroppedError:
        return "dropped"
    except (TimeoutError, asyncio.CancelledError):
        return "cancelled"
    except RunError as error:
        return "failed" if "hiccups" in str(error) else str(error)
    for name, array in diamond(x).items():
        np.testing.assert_array_equal(outputs[name], array)
    return "answered"


@pytest.mark.asyncio
@pytest.mark.parametrize("policy", POLICIES)
async def test_nothing_is_lost_or_answered_wrongly(policy: str) -> None:
    seed = POLICIES.index(policy)
    backend = FakeBackend(before=Moody(seed))
    units = [RuntimeUnit(name=name, backend=backend) for name in ("cpu", "gpu")]
    async with Runtime(units, policy=policy) as runtime:
        one = await runtime.deploy(
            SPLIT, name="one", model=DIAMOND, deadline="5s", capacity=8, full="drop-oldest"
        )
        two = await runtime.deploy(
            WHOLE, name="two", model=DIAMOND, deadline="2ms", late="run", weight=2.0, priority=1
        )
        asked = [asyncio.ensure_future(ask(one, i, seed)) for i in range(REQUESTS)]
        asked += [asyncio.ensure_future(ask(two, i, seed + 50)) for i in range(REQUESTS)]
        await one.redeploy(WHOLE, model=DIAMOND)
        ended = Counter(await asyncio.gather(*asked))
    assert ended.total() == 2 * REQUESTS
    assert ended["answered"] > 0
    assert set(ended) <= {"answered", "dropped", "cancelled", "failed"}
    told = Counter[str]()
    for tally in (one.tally, two.tally):
        assert (tally.requests, tally.in_flight) == (REQUESTS, 0)
        told["answered"] += tally.completed + tally.missed
        told["dropped"] += tally.dropped
        told["cancelled"] += tally.cancelled
        told["failed"] += tally.failed
    # Who has left hears no more of it: what was cancelled may have ended otherwise just before.
    assert told["failed"] >= ended["failed"]
    assert told["dropped"] >= ended["dropped"]
    assert told["answered"] >= ended["answered"]
    assert told.total() == ended.total()
    assert runtime._engine._shared.requests == {}
