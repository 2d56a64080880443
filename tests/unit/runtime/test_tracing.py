"""What a runtime records: each request's whole story, and counts that equal the tallies."""

import asyncio
import json
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from hetsched.errors import DroppedError, OutputExistsError, RunError, UnitDownError
from hetsched.ir.load import load
from hetsched.logs import json_formatter
from hetsched.runtime.app import App
from hetsched.runtime.runtime import Runtime
from hetsched.runtime.sync import SyncRuntime
from hetsched.runtime.units import RuntimeUnit, host_units
from hetsched.trace.events import Kind
from hetsched.trace.files import load_trace
from hetsched.trace.model import Trace
from hetsched.trace.story import contradictions
from hetsched.trace.tables import requests, runs, tallies
from tests.unit.runtime.fakes import DIAMOND, FakeBackend, Gate
from tests.unit.runtime.plans import plan_of

X = {"x": np.array([1, -2, 3, -4], np.float32)}
PLAN = plan_of(DIAMOND, [("a", ["head", "left"]), ("b", ["right"]), ("a", ["tail"])])


def two_units(before: Callable[[str], None] = lambda _: None) -> tuple[RuntimeUnit, ...]:
    backend = FakeBackend(before=before)
    return tuple(RuntimeUnit(name=name, backend=backend) for name in "ab")


def assert_tells_all(trace: Trace, app: App) -> None:
    """Whole, without contradictions, and as many of each as the app counted."""
    assert trace.is_complete
    assert trace.lost == 0
    assert list(contradictions(trace)) == []
    counted = {
        name: getattr(app.tally, name)
        for name in ("requests", "completed", "missed", "dropped", "cancelled", "failed")
    }
    assert tallies(trace)[app.name] == {**counted, "in_flight": app.tally.in_flight}


@pytest.mark.asyncio
async def test_a_trace_tells_what_the_tally_counts(tmp_path: Path) -> None:
    path = tmp_path / "x.trace"
    async with Runtime(two_units(), trace=path) as runtime:
        app = await runtime.deploy(PLAN, name="ocr", model=DIAMOND, deadline="1s")
        await asyncio.gather(*(app(X) for _ in range(20)))
        app.run(X)
    trace = load_trace(path)
    assert_tells_all(trace, app)
    assert app.tally.completed == 21
    assert [unit.name for unit in trace.header.units] == ["a", "b"]
    assert trace.apps[0].stages == ("s0", "s1", "s2")
    assert len(runs(trace)) == 3 * 21
    assert set(requests(trace)["deadline_ns"].tolist()) == {10**9}
    # 2 events a request, 2 a stage, 1 for the app.
    assert len(trace.events) == 21 * (2 + 3 * 2) + 1


@pytest.mark.asyncio
async def test_failures_drops_and_cancellations_are_told(tmp_path: Path) -> None:
    def fail(stage: str) -> None:
        gate(stage)
        if stage == "s1" and not gate.reached.is_set():
            raise RuntimeError("no")

    gate = Gate("s2")
    path = tmp_path / "x.trace"
    async with Runtime(two_units(fail), trace=path) as runtime:
        app = await runtime.deploy(PLAN, name="ocr", model=DIAMOND, capacity=1)
        with pytest.raises(RunError):
            await app(X)
        gate.reached.set()  # from now on nothing fails
        gate.reached.clear()
        backend = runtime.units[0].backend
        assert isinstance(backend, FakeBackend)
        backend.before = gate
        running = asyncio.ensure_future(app(X))
        await asyncio.to_thread(gate.reached.wait)
        waiting = asyncio.ensure_future(app(X))
        await asyncio.sleep(0)
        with pytest.raises(DroppedError):
            await app(X)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        gate.open()
        await running
    assert_tells_all(load_trace(path), app)
    tally = app.tally
    assert (tally.failed, tally.dropped, tally.cancelled, tally.completed) == (1, 1, 1, 1)


@pytest.mark.asyncio
async def test_tracing_covers_its_block_only_and_one_at_a_time(tmp_path: Path) -> None:
    async with Runtime(two_units()) as runtime:
        app = await runtime.deploy(PLAN, name="ocr", model=DIAMOND)
        await app(X)
        async with runtime.tracing(tmp_path / "x.trace"):
            await app(X)
            with pytest.raises(RunError, match=r"traced into .*x\.trace already"):
                async with runtime.tracing(tmp_path / "y.trace"):
                    pass
        await app(X)
    assert not (tmp_path / "y.trace").exists()
    trace = load_trace(tmp_path / "x.trace")
    assert trace.is_complete
    assert len(requests(trace)) == 1
    assert list(contradictions(trace)) == []
    assert trace.apps[0].name == "ocr"


@pytest.mark.asyncio
async def test_a_new_plan_is_a_new_number_of_the_same_app(tmp_path: Path) -> None:
    path = tmp_path / "x.trace"
    async with Runtime(two_units(), trace=path) as runtime:
        app = await runtime.deploy(PLAN, name="ocr", model=DIAMOND)
        await app(X)
        ops = ["head", "left", "right", "tail"]
        await app.redeploy(plan_of(DIAMOND, [("b", ops)]), model=DIAMOND)
        await app(X)
    trace = load_trace(path)
    assert_tells_all(trace, app)
    assert [(one.name, one.stages) for one in trace.apps] == [
        ("ocr", ("s0", "s1", "s2")),
        ("ocr", ("s0",)),
    ]


@pytest.mark.asyncio
async def test_a_trace_that_exists_is_refused_before_anything_starts(tmp_path: Path) -> None:
    path = tmp_path / "x.trace"
    path.write_text("mine")
    with pytest.raises(OutputExistsError, match=r"x\.trace exists"):
        async with Runtime(two_units(), trace=path):
            pass
    assert path.read_text() == "mine"


@pytest.mark.asyncio
async def test_a_unit_that_dies_and_comes_back_is_told(tmp_path: Path) -> None:
    deaths = iter([True])

    def die(stage: str) -> None:
        if stage == "s1" and next(deaths, False):
            raise UnitDownError("gone")

    path = tmp_path / "x.trace"
    async with Runtime(two_units(die), trace=path) as runtime:
        app = await runtime.deploy(PLAN, name="ocr", model=DIAMOND)
        await app(X)
        while runtime.units_state()["b"].status != "up":
            await asyncio.sleep(0.001)
        await app(X)
        snapshot = runtime.snapshot()
    trace = load_trace(path)
    assert_tells_all(trace, app)
    units = trace.events[np.isin(trace.events["kind"], (Kind.UNIT_DOWN, Kind.UNIT_UP))]
    assert units[["kind", "unit"]].tolist() == [(Kind.UNIT_DOWN, 1), (Kind.UNIT_UP, 1)]
    [failed] = trace.events[trace.events["kind"] == Kind.FAILED]
    assert (failed["unit"], failed["stage"], failed["value"]) == (1, 1, 1)  # will be run again
    assert [unit.failures for unit in snapshot.units] == [0, 1]


@pytest.mark.asyncio
async def test_a_slow_first_run_does_not_keep_requests_out_for_ever() -> None:
    slow = iter([0.15])
    async with Runtime(two_units(lambda _: time.sleep(next(slow, 0)))) as runtime:
        app = await runtime.deploy(PLAN, name="ocr", model=DIAMOND, deadline="100ms")
        await app(X, deadline="10s")  # takes over the app's deadline in its first stage
        answered = 0
        for _ in range(200):
            try:
                await app(X)
            except DroppedError:
                continue
            answered += 1
    assert app.tally.dropped == 200 - answered
    # Halved after every 16: at the latest when 150 ms, or whatever it took, is down to 100 ms.
    assert answered > 100


@pytest.mark.asyncio
async def test_drops_in_numbers_are_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    gate = Gate("s0")
    async with Runtime(two_units(gate)) as runtime:
        app = await runtime.deploy(PLAN, name="ocr", model=DIAMOND, capacity=1)
        calls = [asyncio.ensure_future(app(X)) for _ in range(2)]
        await asyncio.to_thread(gate.reached.wait)
        for _ in range(60):
            with pytest.raises(DroppedError):
                await app(X)
        gate.open()
        await asyncio.gather(*calls)
    [storm] = [each for each in caplog.records if getattr(each, "event", "") == "drop-storm"]
    line = json.loads(json_formatter().format(storm))
    assert line["level"] == "WARNING"
    assert (line["event"], line["app"]) == ("drop-storm", "ocr")
    assert "20 requests" in line["reason"]
    assert "unit" not in line


def test_onnx_runtimes_stages_are_told_as_well(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Neg", ["x"], ["a"], name="neg"),
        helper.make_node("Relu", ["a"], ["y"], name="relu"),
    ]
    x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, [4]) for name in "xy")
    graph = helper.make_graph(nodes, "g", [x], [y])
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.save(proto, tmp_path / "m.onnx")
    model = load(tmp_path / "m.onnx")
    path = tmp_path / "x.trace"
    with SyncRuntime(host_units(), trace=path) as runtime:
        app = runtime.deploy(
            plan_of(model, [("u", ["neg"]), ("v", ["relu"])]), name="a", model=model
        )
        for _ in range(5):
            app.run(X)
    trace = load_trace(path)
    assert_tells_all(trace, app)
    assert app.tally.completed == 5
    assert {unit.backend for unit in trace.header.units} == {"ort"}
