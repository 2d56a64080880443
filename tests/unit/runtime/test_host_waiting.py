"""Host stages in time: who waits for whom, what is late, what closing does."""

import asyncio
import threading
import time
from typing import Any

import numpy as np
import psutil
import pytest

from hetsched.dispatch import RequestStatus
from hetsched.errors import DroppedError, RunError
from hetsched.runtime import HostCall
from tests.unit.runtime import host_functions as functions
from tests.unit.runtime.fakes import DIAMOND
from tests.unit.runtime.hosted import PLAN, X, make_runtime, threaded, until


@pytest.mark.asyncio
async def test_a_request_whose_post_ends_late_is_missed() -> None:
    async with make_runtime() as runtime:
        post = [HostCall(call=lambda _: functions.sleep(0.05), where="thread")]
        app: Any = await runtime.deploy(
            PLAN, name="a", model=DIAMOND, post=post, deadline="50ms", late="run"
        )
        result = await app.request({"x": X})
        assert result.status is RequestStatus.MISSED
    assert (app.tally.requests, app.tally.missed) == (1, 1)


@pytest.mark.asyncio
async def test_what_is_late_before_its_turn_is_dropped() -> None:
    """The only process is busy for longer than the second request has."""
    gate = threading.Event()

    def wait(_: Any) -> dict[str, np.ndarray]:
        assert gate.wait(60)
        return {"x": X}

    async with make_runtime() as runtime:
        app: Any = await runtime.deploy(
            PLAN, name="a", model=DIAMOND, pre=threaded(wait), deadline="60s"
        )
        busy = [asyncio.create_task(app(None)) for _ in range(2)]  # there are two threads
        await asyncio.sleep(0.01)
        with pytest.raises(DroppedError, match="couldn't meet its deadline"):
            await app(None, deadline="1ms")
        gate.set()
        await asyncio.gather(*busy)
    assert (app.tally.completed, app.tally.dropped) == (2, 1)


@pytest.mark.asyncio
async def test_stages_of_the_next_request_run_while_a_post_runs() -> None:
    """Each post waits until both requests have left the model: in turn, that would never be."""
    together = threading.Barrier(2, timeout=60)

    def meet(outputs: dict[str, np.ndarray]) -> float:
        together.wait()
        return functions.largest(outputs)

    async with make_runtime() as runtime:
        app: Any = await runtime.deploy(PLAN, name="a", model=DIAMOND, post=threaded(meet))
        seen = [out async for out in app.stream([{"x": X}] * 4, max_in_flight=2)]
    assert seen == [8] * 4


@pytest.mark.asyncio
async def test_closing_waits_for_host_stages_and_refuses_new_requests() -> None:
    async with make_runtime() as runtime:
        app: Any = await runtime.deploy(
            PLAN, name="a", model=DIAMOND, pre=functions.as_x, post=functions.largest
        )
        task = asyncio.create_task(app(X))
        await asyncio.sleep(0)
    assert await task == 8
    with pytest.raises(RunError, match="the runtime is closed"):
        await app(X)
    assert (app.tally.requests, app.tally.completed) == (1, 1)


@pytest.mark.asyncio
async def test_closing_with_cancel_ends_what_is_in_a_host_stage() -> None:
    runtime = make_runtime()
    async with runtime:
        app: Any = await runtime.deploy(PLAN, name="a", model=DIAMOND, pre=functions.sleep)
        tasks = [asyncio.create_task(app(3600.0)) for _ in range(2)]
        await asyncio.sleep(0.02)
        await runtime.close(cancel=True)
        errors = await asyncio.gather(*tasks, return_exceptions=True)
    assert [str(e) for e in errors] == ["a request of app 'a' was cancelled: it has no result"] * 2
    assert app.tally.cancelled == 2


@pytest.mark.asyncio
async def test_nothing_is_left_behind() -> None:
    before = set(threading.enumerate())
    async with make_runtime() as runtime:
        app: Any = await runtime.deploy(PLAN, name="a", model=DIAMOND, post=functions.pid)
        pid = await app({"x": X})
        assert psutil.pid_exists(pid)
    assert not psutil.pid_exists(pid)
    assert {t for t in threading.enumerate() if "hetsched" in t.name} - before == set()


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("full", "dropped"),
    [("reject", [3]), ("drop-oldest", [2]), ("latest-only", [2])],
)
async def test_capacity_bounds_those_that_wait_for_their_first_host_stage(
    full: Any, dropped: list[int]
) -> None:
    """Two threads run requests 0 and 1, 2 waits, 3 comes."""
    gate, running = threading.Event(), threading.Semaphore(0)

    def wait(value: int) -> dict[str, np.ndarray]:
        running.release()
        assert gate.wait(60)
        return {"x": X * value}

    async with make_runtime() as runtime:
        app: Any = await runtime.deploy(
            PLAN, name="a", model=DIAMOND, pre=threaded(wait), capacity=1, full=full
        )
        tasks = []
        for number in range(4):
            tasks.append(asyncio.create_task(app(number)))
            await until(lambda: running.acquire(blocking=False)) if number < 2 else None
            await asyncio.sleep(0)
        await until(lambda: any(task.done() for task in tasks))
        assert [i for i, task in enumerate(tasks) if task.done()] == dropped
        assert isinstance(tasks[dropped[0]].exception(), DroppedError)
        gate.set()
        await asyncio.gather(*tasks, return_exceptions=True)
    assert app.tally.in_flight == 0


def test_time_for_the_post_is_kept_free() -> None:
    """Averages like the stages' own; a drop takes an eighth off, so that no one is locked out."""
    from hetsched.runtime.host_queue import Expected

    expected = Expected()
    expected.add(800)
    expected.add(1600)
    assert expected.average_ns == 900  # 800 + 800 / 8
    expected.add(10**9)
    assert expected.average_ns == 900 + 3 * 900 // 8  # counts as 4 x 900
    for _ in range(100):
        expected.shrink()
    assert expected.average_ns == 0


def test_a_thread_pool_serves_the_earliest_deadline_first() -> None:
    from hetsched.runtime.host_job import Job
    from hetsched.runtime.host_pool import HostPool

    gate, order = threading.Event(), []

    def note(value: Any) -> None:
        gate.wait(60)
        order.append(value)

    pool = HostPool(processes=1, threads=1)
    jobs = [Job(0, note, "first", None)]
    pool.threads.submit(jobs[0])
    while not jobs[0].has_started:
        time.sleep(0.001)
    for name, deadline in (("none", None), ("late", 200), ("soon", 100), ("soon too", 100)):
        jobs.append(Job(0, note, name, deadline))
        pool.threads.submit(jobs[-1])
    gate.set()
    for job in jobs:
        job.future.result(60)
    pool.close()
    assert order == ["first", "soon", "soon too", "late", "none"]
    with pytest.raises(RunError, match="closed"):
        pool.threads.submit(Job(0, note, None, None))
