"""Host stages around a model: where they run, and what comes back."""

import logging
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hetsched.dispatch import RequestStatus
from hetsched.errors import RunError
from hetsched.runtime import HostCall, SyncRuntime
from hetsched.stages import Softmax, TopK
from hetsched.trace.events import Kind
from hetsched.trace.files import load_trace
from tests.unit.runtime import host_functions as functions
from tests.unit.runtime.fakes import DIAMOND
from tests.unit.runtime.hosted import PLAN, X, make_runtime, units
from tests.unit.runtime.plans import plan_of


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
