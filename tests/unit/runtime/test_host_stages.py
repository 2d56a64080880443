"""Host stages around a model: where they run, what comes back, what happens when they fail."""

import asyncio
import logging
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from hetsched.dispatch import RequestStatus
from hetsched.errors import DroppedError, RunError
from hetsched.runtime import HostCall, Runtime, RuntimeUnit, SyncRuntime
from hetsched.stages import Softmax, TopK
from hetsched.trace.events import Kind
from hetsched.trace.files import load_trace
from tests.unit.runtime import host_functions as functions
from tests.unit.runtime.fakes import DIAMOND, FakeBackend, Gate, diamond
from tests.unit.runtime.plans import plan_of

PLAN = plan_of(DIAMOND, [("cpu", ["head", "left"]), ("gpu", ["right"]), ("cpu", ["tail"])])
X = np.array([1, -2, 3, -4], np.float32)


def units(backend: FakeBackend | None = None) -> list[RuntimeUnit]:
    backend = backend or FakeBackend()
    return [RuntimeUnit(name=name, backend=backend) for name in ("cpu", "gpu")]


def make_runtime(backend: FakeBackend | None = None) -> Runtime:
    return Runtime(units(backend), host_processes=1)


def threaded(*calls: Any) -> list[HostCall]:
    return [HostCall(call=call, where="thread") for call in calls]


async def until(happened: Any) -> None:
    """Give others their turn until something has happened."""
    while not happened():
        await asyncio.sleep(0.001)


@pytest.mark.asyncio
async def test_each_kind_runs_where_it_belongs() -> None:
    """y = relu(-x) + |x| = (1, 4, 3, 8): the largest is 8."""
    post = [functions.largest, functions.waits, HostCall(call=functions.same, where="loop")]
    async with make_runtime() as runtime:
        app: Any = await runtime.deploy(
            PLAN, name="a", model=DIAMOND, pre=functions.as_x, post=post
        )
        assert await app(X) == 8
        result = await app.request(X)
    assert (result.outputs, result.status) == (8, RequestStatus.COMPLETED)
    assert [(stage.id, stage.unit, stage.backend) for stage in result.stages] == [
        ("pre0:as_x", "host", "process"),
        ("s0", "cpu", "fake"),
        ("s1", "gpu", "fake"),
        ("s2", "cpu", "fake"),
        ("post0:largest", "host", "process"),
        ("post1:waits", "host", "loop"),
        ("post2:same", "host", "loop"),
    ]
    ends = [0, *(stage.end_ns for stage in result.stages), result.latency_ns]
    assert all(stage.start_ns >= 0 for stage in result.stages)
    assert ends == sorted(ends)
    assert (app.tally.requests, app.tally.completed) == (2, 2)


@pytest.mark.asyncio
async def test_a_process_is_another_process_and_a_thread_is_not() -> None:
    async with make_runtime() as runtime:
        for where in ("process", "thread"):
            call = HostCall(call=functions.pid, where=where)
            app: Any = await runtime.deploy(PLAN, name=where, model=DIAMOND, post=call)
            assert (await app({"x": X}) == os.getpid()) == (where == "thread")


@pytest.mark.asyncio
async def test_ready_made_stages_and_frozen_objects_cross() -> None:
    post = [Softmax(of="y"), functions.Times(2.0), TopK(k=1)]
    async with make_runtime() as runtime:
        app: Any = await runtime.deploy(PLAN, name="a", model=DIAMOND, post=post)
        result = await app.request({"x": X})
    assert [stage.backend for stage in result.stages[3:]] == ["process"] * 3
    ((best,),) = result.outputs
    assert best.class_index == 3
    assert best.score == pytest.approx(2 * np.exp(8) / np.exp([1, 4, 3, 8]).sum())


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "call", [lambda x: x, functions.Adder(0).__call__], ids=["lambda", "bound"]
)
async def test_what_cannot_be_sent_runs_on_a_thread_and_that_is_told(
    call: Any, caplog: pytest.LogCaptureFixture
) -> None:
    async with make_runtime() as runtime:
        with caplog.at_level(logging.WARNING):
            app: Any = await runtime.deploy(
                PLAN, name="a", model=DIAMOND, post=[functions.largest, call]
            )
        assert await app({"x": X}) == 8
    (record,) = caplog.records
    assert "post1:" in record.getMessage()
    assert "runs on a thread" in record.getMessage()


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("pre", "message"),
    [
        (3, "pre0:int of app 'a' is a int: give a callable"),
        (HostCall(call=functions.same, where="moon"), "where is 'moon'"),  # type: ignore[arg-type]
        (HostCall(call=lambda x: x, where="process"), "can't run in a process"),
        (HostCall(call=functions.waits, where="process"), "is async: it runs on the loop"),
        ("no.onnx", "pre0:OnnxFile.*there is no ONNX file no.onnx"),
    ],
)
async def test_bad_declarations_are_refused_at_deploy(pre: Any, message: str) -> None:
    async with make_runtime() as runtime:
        with pytest.raises(RunError, match=message):
            await runtime.deploy(PLAN, name="a", model=DIAMOND, pre=pre)
        await runtime.deploy(PLAN, name="a", model=DIAMOND)  # the name is free again


@pytest.mark.asyncio
@pytest.mark.parametrize("where", ["process", "thread", "loop"])
async def test_an_error_names_app_stage_and_cause(where: Any) -> None:
    async with make_runtime() as runtime:
        call = HostCall(call=functions.raises, where=where)
        app: Any = await runtime.deploy(PLAN, name="a", model=DIAMOND, pre=[call])
        message = "host stage 'pre0:raises' of app 'a' failed: ValueError: no 7 here"
        with pytest.raises(RunError, match=message):
            await app(7)
    assert (app.tally.requests, app.tally.failed, app.tally.in_flight) == (1, 1, 0)


@pytest.mark.asyncio
async def test_a_result_or_value_that_cannot_cross_fails_its_request_only() -> None:
    async with make_runtime() as runtime:
        app: Any = await runtime.deploy(PLAN, name="a", model=DIAMOND, post=functions.gives_a_set)
        with pytest.raises(
            RunError, match=r"it returned what can't cross: a builtins.set can't be"
        ):
            await app({"x": X})
        echo: Any = await runtime.deploy(PLAN, name="b", model=DIAMOND, pre=functions.same)
        with pytest.raises(RunError, match=r"pre0:same.*a builtins.object at \['x'\] can't be"):
            await echo({"x": object()})
        assert list(await echo({"x": X})) == ["y", "b"]
        with pytest.raises(RunError, match="gave a int: the model takes arrays by input name"):
            await echo(3)
        with pytest.raises(RunError, match="has no input 'z'"):
            await echo({"z": X})


@pytest.mark.asyncio
async def test_what_a_process_changes_in_place_is_its_own_copy() -> None:
    """Large enough for shared memory, and twice, so that the memory is used again."""
    async with make_runtime() as runtime:
        pre = [HostCall(call=functions.doubles_in_place), HostCall(call=first_four, where="loop")]
        app: Any = await runtime.deploy(PLAN, name="a", model=DIAMOND, pre=pre)
        large = np.ones(1_000_000, np.float32)
        outputs = await asyncio.gather(*(app(large * i) for i in (1, 2, 3)))
    assert large.max() == 1
    assert [out["y"][0] for out in outputs] == [2, 4, 6]  # relu(-x) + |x| = x, doubled


def first_four(array: np.ndarray) -> dict[str, np.ndarray]:
    return {"x": array[:4].copy()}


@pytest.mark.asyncio
async def test_a_process_that_dies_is_replaced_and_its_request_run_again(tmp_path: Path) -> None:
    async with make_runtime() as runtime:
        pre = [functions.dies_once, HostCall(call=lambda _: {"x": X}, where="loop")]
        app: Any = await runtime.deploy(PLAN, name="a", model=DIAMOND, pre=pre)
        assert (await app(str(tmp_path / "mark")))["y"].tolist() == diamond(X)["y"].tolist()
    assert (app.tally.completed, app.tally.failed) == (1, 0)


@pytest.mark.asyncio
async def test_one_that_dies_every_time_fails_with_its_end() -> None:
    async with make_runtime() as runtime:
        bad: Any = await runtime.deploy(PLAN, name="bad", model=DIAMOND, post=functions.dies)
        good: Any = await runtime.deploy(PLAN, name="good", model=DIAMOND, post=functions.largest)
        for _ in range(2):
            with pytest.raises(RunError, match=r"post0:dies.*host process .* exit code 3"):
                await bad({"x": X})
            assert await good({"x": X}) == 8


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
async def test_a_timeout_ends_a_hanging_process_stage_and_frees_its_process() -> None:
    async with make_runtime() as runtime:
        app: Any = await runtime.deploy(PLAN, name="a", model=DIAMOND, pre=functions.sleep)
        good: Any = await runtime.deploy(PLAN, name="b", model=DIAMOND, post=functions.largest)
        with pytest.raises(TimeoutError, match="app 'a' gave no answer in 10"):
            await app(3600.0, timeout="10ms")
        assert app.tally.cancelled == 1
        assert await good({"x": X}) == 8  # it had to wait for the process's end


@pytest.mark.asyncio
async def test_cancelling_the_caller_cancels_the_request_in_each_phase() -> None:
    gate = Gate("s0")
    async with make_runtime(FakeBackend(before=gate)) as runtime:
        hung = asyncio.Event()

        async def hang(value: Any) -> Any:
            hung.set()
            await asyncio.Event().wait()
            return value

        before: Any = await runtime.deploy(PLAN, name="pre", model=DIAMOND, pre=hang)
        task = asyncio.create_task(before({"x": X}))
        await hung.wait()
        inside: Any = await runtime.deploy(PLAN, name="in", model=DIAMOND, post=functions.largest)
        other = asyncio.create_task(inside({"x": X}))
        await until(gate.reached.is_set)
        for one in (task, other):
            one.cancel()
            with pytest.raises(asyncio.CancelledError):
                await one
        gate.open()
    assert (before.tally.cancelled, inside.tally.cancelled) == (1, 1)
    assert (before.tally.in_flight, inside.tally.in_flight) == (0, 0)


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


def test_without_a_loop() -> None:
    with SyncRuntime(units()) as runtime:
        app: Any = runtime.deploy(
            PLAN, name="a", model=DIAMOND, pre=functions.as_x, post=functions.largest
        )
        assert app.run(X) == 8
        assert [stage.id for stage in app.run_timed(X).stages][-1] == "post0:largest"
        slow: Any = runtime.deploy(PLAN, name="b", model=DIAMOND, pre=functions.sleep)
        with pytest.raises(TimeoutError, match="app 'b' gave no answer in 10"):
            slow.run(3600.0, timeout="10ms")
        lazy: Any = runtime.deploy(PLAN, name="c", model=DIAMOND, post=functions.waits)
        with pytest.raises(RunError, match="there is no event loop: await the app instead"):
            lazy.run({"x": X})
        assert (slow.tally.cancelled, lazy.tally.failed) == (1, 1)


@pytest.mark.asyncio
async def test_another_plan_keeps_the_host_stages() -> None:
    async with make_runtime() as runtime:
        app: Any = await runtime.deploy(PLAN, name="a", model=DIAMOND, post=functions.largest)
        await app.redeploy(
            plan_of(DIAMOND, [("cpu", ["head", "left", "right", "tail"])]), model=DIAMOND
        )
        result = await app.request({"x": X})
    assert result.outputs == 8
    assert [stage.id for stage in result.stages] == ["s0", "post0:largest"]


@pytest.mark.asyncio
async def test_host_stages_are_in_traces(tmp_path: Path) -> None:
    path = tmp_path / "x.trace"
    async with make_runtime() as runtime:
        app: Any = await runtime.deploy(
            PLAN, name="a", model=DIAMOND, pre=functions.as_x, post=functions.largest
        )
        async with runtime.tracing(path):
            await app(X)
            with pytest.raises(RunError):
                await app(object())  # pre0 fails: the model is never asked
    trace = load_trace(path)
    (told,) = trace.apps
    assert told.host_stages == ("pre0:as_x", "post0:largest")
    events = [
        (Kind(e["kind"]), int(e["stage"]), int(e["value"]), bool(e["request"] >= 0))
        for e in trace.events
        if e["kind"] in (Kind.HOST_STARTED, Kind.HOST_ENDED)
    ]
    assert events == [
        (Kind.HOST_STARTED, 0, -1, True),
        (Kind.HOST_ENDED, 0, 0, True),
        (Kind.HOST_STARTED, 1, -1, True),
        (Kind.HOST_ENDED, 1, 0, True),
        (Kind.HOST_STARTED, 0, -1, False),
        (Kind.HOST_ENDED, 0, 1, False),
    ]


PARENT = """
import asyncio
import numpy as np
from hetsched.runtime import Runtime
from tests.unit.runtime.test_host_stages import DIAMOND, PLAN, functions, units

async def main():
    async with Runtime(units(), host_processes=1) as runtime:
        pid = await runtime.deploy(PLAN, name="p", model=DIAMOND, post=functions.pid)
        print(await pid({"x": np.zeros(4, np.float32)}), flush=True)
        hang = await runtime.deploy(PLAN, name="h", model=DIAMOND, pre=functions.spins)
        await hang(None)

if __name__ == "__main__":
    asyncio.run(main())
"""


def test_a_host_process_dies_with_its_program(tmp_path: Path) -> None:
    """Killed while the process computes: nobody can tell it to end."""
    script = tmp_path / "parent.py"
    script.write_text(PARENT)
    root = str(Path(__file__).parents[3])
    command = [sys.executable, str(script)]
    parent = subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": root}
    )
    assert parent.stdout is not None
    with parent.stdout:
        child = psutil.Process(int(parent.stdout.readline()))
        parent.kill()
        parent.wait()
    assert not psutil.wait_procs([child], timeout=60)[1]


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
