"""Apps on terms: deadlines, bounded queues, policies, as an application sees them."""

import asyncio
import logging
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from hetsched.dispatch import Policy
from hetsched.errors import DroppedError, HetschedError, RunError
from hetsched.runtime import App, Candidate, Runtime, RuntimeUnit, StaticOrder
from tests.unit.runtime.fakes import FakeBackend, Gate, make_model, op
from tests.unit.runtime.plans import plan_of

X = np.array([1, -2, 3, -4], np.float32)
MODEL = make_model([op("neg", "Neg", "x", "y")], outputs=["y"])
PLAN = plan_of(MODEL, [("cpu", ["neg"])])
LATE = "1ms"


class Held:
    """A runtime with one unit that is held up by a request of an app called `first`."""

    def __init__(self, policy: Policy = "fifo") -> None:
        self.gate = Gate("s0")
        self.backend = FakeBackend(before=self.gate)
        self.runtime = Runtime([RuntimeUnit(name="cpu", backend=self.backend)], policy=policy)
        self.order: list[str] = []

    async def app(self, name: str, **terms: Any) -> App:
        return await self.runtime.deploy(PLAN, name=name, model=MODEL, **terms)

    async def hold(self) -> "asyncio.Future[Any]":
        app = await self.app("first")
        holding = asyncio.ensure_future(app({"x": X}))
        await asyncio.to_thread(self.gate.reached.wait)
        return holding

    def call(self, app: App, **how: Any) -> "asyncio.Future[Any]":
        async def called() -> Any:
            try:
                return await app({"x": X}, **how)
            finally:
                self.order.append(app.name)

        return asyncio.ensure_future(called())


async def settled(app: App, requests: int) -> None:
    """Until that many requests have come."""
    while app.tally.requests < requests:
        await asyncio.sleep(0)


@pytest.mark.asyncio
async def test_what_cannot_meet_its_deadline_any_more_is_dropped_while_it_waits() -> None:
    held = Held()
    async with held.runtime:
        app = await held.app("late", deadline=LATE)
        holding = await held.hold()
        with pytest.raises(DroppedError, match="a request of app 'late' was dropped"):
            await app({"x": X})  # the alarm drops it: the unit is still held up
        assert not holding.done()
        held.gate.open()
        await holding
        assert [stage for stage, _ in held.backend.threads] == ["s0"]  # never run
    assert (app.tally.requests, app.tally.dropped, app.tally.miss_rate) == (1, 1, 1.0)


@pytest.mark.asyncio
async def test_what_is_run_all_the_same_is_missed_and_has_outputs() -> None:
    held = Held()
    async with held.runtime:
        app = await held.app("late", deadline=1, late="run")
        holding = await held.hold()
        waiting = asyncio.ensure_future(app.request({"x": X}))
        await settled(app, 1)
        held.gate.open()
        await holding
        result = await waiting
    assert result.status == "missed"
    np.testing.assert_array_equal(result.outputs["y"], -X)
    assert (app.tally.missed, app.tally.in_flight) == (1, 0)


@pytest.mark.asyncio
async def test_a_request_may_have_a_deadline_of_its_own() -> None:
    held = Held()
    async with held.runtime:
        app = await held.app("a", deadline="1min")
        holding = await held.hold()
        with pytest.raises(DroppedError):
            await app({"x": X}, deadline=LATE)
        held.gate.open()
        await holding
        await app({"x": X}, deadline="30s")
    assert (app.tally.completed, app.tally.dropped) == (1, 1)


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("full", "answered"), [("reject", [0, 1]), ("drop-oldest", [2, 3]), ("latest-only", [3])]
)
async def test_a_full_queue(full: str, answered: list[int]) -> None:
    """Four requests while the unit is held up, and room for two (one) that wait."""
    held = Held()
    async with held.runtime:
        app = await held.app("a", capacity=1 if full == "latest-only" else 2, full=full)
        holding = await held.hold()
        waiting = []
        for number in range(4):
            waiting.append(asyncio.ensure_future(app({"x": X + number})))
            await settled(app, number + 1)
        held.gate.open()
        await holding
        got = await asyncio.gather(*waiting, return_exceptions=True)
    assert [i for i, outputs in enumerate(got) if isinstance(outputs, dict)] == answered
    assert all(isinstance(got[i], DroppedError) for i in range(4) if i not in answered)


@pytest.mark.asyncio
async def test_priorities_decide_who_is_next() -> None:
    held = Held("priority")
    async with held.runtime:
        low, high = await held.app("low", priority=1), await held.app("high", priority=2)
        holding = await held.hold()
        calls = [held.call(low), held.call(high)]
        await settled(high, 1)
        held.gate.open()
        await asyncio.gather(holding, *calls)
    assert held.order == ["high", "low"]


@pytest.mark.asyncio
async def test_a_static_order_takes_turns() -> None:
    held = Held(StaticOrder(("b", "b", "a")))
    async with held.runtime:
        a, b = await held.app("a"), await held.app("b")
        holding = await held.hold()
        calls = [held.call(app) for app in (a, a, b, b, b)]
        await settled(b, 3)
        held.gate.open()
        await asyncio.gather(holding, *calls)
    assert held.order == ["b", "b", "a", "b", "a"]


@pytest.mark.asyncio
async def test_a_policy_of_ones_own() -> None:
    seen: list[list[Candidate]] = []

    def newest(unit: int, now_ns: int, ready: Sequence[Candidate]) -> int:
        assert unit == 0
        assert all(candidate.arrival_ns <= now_ns for candidate in ready)
        seen.append(list(ready))
        return len(ready) - 1

    held = Held(newest)
    async with held.runtime:
        apps = [await held.app(name) for name in "abc"]
        holding = await held.hold()
        calls = [held.call(app) for app in apps]
        await settled(apps[-1], 1)
        held.gate.open()
        await asyncio.gather(holding, *calls)
    assert held.order == ["c", "b", "a"]
    assert [len(ready) for ready in seen] == [1, 3, 2, 1]


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda: 1 // 0, "ZeroDivisionError"),
        (lambda: 7, "it chose 7 of 1"),
        (lambda: "x", "integer"),
    ],
)
async def test_a_policy_that_fails_is_told_of_and_loses_nothing(
    answer: Any, message: str, caplog: pytest.LogCaptureFixture
) -> None:
    unit = RuntimeUnit(name="cpu", backend=FakeBackend())
    with caplog.at_level(logging.ERROR):
        async with Runtime([unit], policy=lambda *_: answer()) as runtime:
            app = await runtime.deploy(PLAN, name="a", model=MODEL)
            np.testing.assert_array_equal((await app({"x": X}))["y"], -X)
    assert message in caplog.text
    assert "the policy failed, the oldest request was served instead" in caplog.text


@pytest.mark.asyncio
async def test_wrong_terms_are_refused() -> None:
    with pytest.raises(RunError, match="there is no policy 'lifo'"):
        Held("lifo")
    held = Held()
    async with held.runtime:
        wrong: list[tuple[dict[str, Any], str]] = [
            ({"deadline": "5 parsecs"}, "'5 parsecs' is not a duration"),
            ({"deadline": 0}, "deadline is 0: give a text such as '33ms', or ns, above 0"),
            ({"deadline": 1.5}, "deadline is 1.5: give a text"),
            ({"capacity": 0}, "capacity is 0: give from 1"),
        ]
        for terms, message in wrong:
            with pytest.raises(HetschedError, match=message):
                await held.app("a", **terms)
        held.gate.open()
        app = await held.app("a")  # the name is still free
        with pytest.raises(RunError, match="timeout is -1"):
            await app({"x": X}, timeout=-1)
        with pytest.raises(RunError, match="deadline is 0"):
            app.run({"x": X}, deadline=0)
