"""The runtime over a fake backend: who runs what where, and what comes back."""

import asyncio
import threading
from collections.abc import Mapping

import msgspec
import numpy as np
import pytest

from hetsched.errors import BackendError, PlanError, RunError
from hetsched.runtime import Runtime, RuntimeUnit
from tests.unit.runtime.fakes import DIAMOND, FakeBackend, Gate, diamond, make_model, op
from tests.unit.runtime.plans import plan_of

X = np.array([1, -2, 3, -4], np.float32)
SPLIT = plan_of(
    DIAMOND, [("cpu", ["head"]), ("cpu", ["left"]), ("gpu", ["right"]), ("cpu", ["tail"])]
)


def same(got: Mapping[str, np.ndarray], want: Mapping[str, np.ndarray]) -> None:
    assert list(got) == list(want)
    for name, array in want.items():
        np.testing.assert_array_equal(got[name], array)


def two_units(cpu: FakeBackend, gpu: FakeBackend | None = None) -> list[RuntimeUnit]:
    return [
        RuntimeUnit(name="cpu", backend=cpu),
        RuntimeUnit(name="gpu", backend=cpu if gpu is None else gpu),
    ]


@pytest.mark.asyncio
async def test_outputs_in_the_models_order_through_one_backend() -> None:
    backend = FakeBackend()
    async with Runtime(two_units(backend)) as runtime:
        app = await runtime.deploy(SPLIT, name="a", model=DIAMOND)
        same(await app({"x": X}), diamond(X))
    assert backend.compiled == [["s0", "s1", "s2", "s3"]]
    assert app.mapping == {"cpu": "cpu", "gpu": "gpu"}


@pytest.mark.asyncio
async def test_backends_never_see_each_others_private_values() -> None:
    """Both backends call their private tensors `#0`; `head` feeds both backends, so it is plain."""
    cpu, gpu = FakeBackend(name="one"), FakeBackend(name="two")
    model = make_model(
        [
            op("a", "Neg", "x", "ta"),
            op("b", "Abs", "ta", "tb"),
            op("c", "Relu", "x", "tc"),
            op("d", "Neg", "tc", "td"),
            op("e", "Add", "tb td", "y"),
        ],
        outputs=["y"],
    )
    plan = plan_of(model, [("cpu", "a"), ("gpu", "c"), ("cpu", "b"), ("gpu", "d"), ("cpu", "e")])
    async with Runtime(two_units(cpu, gpu)) as runtime:
        app = await runtime.deploy(plan, name="a", model=model)
        same(await app({"x": X}), {"y": np.abs(X) - np.maximum(X, 0)})
    assert (cpu.compiled, gpu.compiled) == ([["s0", "s2", "s4"]], [["s1", "s3"]])


@pytest.mark.asyncio
async def test_each_unit_runs_its_stages_on_its_own_worker() -> None:
    backend = FakeBackend()
    async with Runtime(two_units(backend)) as runtime:
        app = await runtime.deploy(SPLIT, name="a", model=DIAMOND)
        await app({"x": X})
    assert sorted(backend.threads) == [
        ("s0", "hetsched-cpu"),
        ("s1", "hetsched-cpu"),
        ("s2", "hetsched-gpu"),
        ("s3", "hetsched-cpu"),
    ]


@pytest.mark.asyncio
async def test_a_synchronous_call_runs_on_its_own_thread_where_units_are_idle() -> None:
    backend = FakeBackend()
    chain = plan_of(DIAMOND, [("cpu", ["head", "left"]), ("gpu", ["right"]), ("cpu", ["tail"])])
    async with Runtime(two_units(backend)) as runtime:
        app = await runtime.deploy(chain, name="a", model=DIAMOND)
        same(app.run({"x": X}), diamond(X))
    assert {thread for _, thread in backend.threads} == {threading.current_thread().name}


@pytest.mark.asyncio
async def test_a_synchronous_call_waits_for_a_busy_unit() -> None:
    gate = Gate("s0")
    backend = FakeBackend(before=gate)
    whole = plan_of(DIAMOND, [("cpu", ["head", "left", "right", "tail"])])
    async with Runtime([RuntimeUnit(name="cpu", backend=backend)]) as runtime:
        app = await runtime.deploy(whole, name="a", model=DIAMOND)
        first = asyncio.ensure_future(app({"x": X}))
        await asyncio.to_thread(gate.reached.wait)
        second = asyncio.ensure_future(asyncio.to_thread(app.run, {"x": X + 1}))
        while len(runtime._engine._shared.requests) < 2:
            await asyncio.sleep(0)
        assert not second.done()
        gate.open()
        same(await first, diamond(X))
        same(await second, diamond(X + 1))
    assert {thread for _, thread in backend.threads} == {"hetsched-cpu"}


@pytest.mark.asyncio
async def test_many_requests_of_two_apps_at_once() -> None:
    backend = FakeBackend()
    async with Runtime(two_units(backend)) as runtime:
        one = await runtime.deploy(SPLIT, name="one", model=DIAMOND)
        whole = plan_of(DIAMOND, [("gpu", ["head", "left", "right", "tail"])])
        two = await runtime.deploy(whole, name="two", model=DIAMOND)
        apps = [one, two] * 40
        inputs = [X + i for i in range(len(apps))]
        got = await asyncio.gather(*(a({"x": x}) for a, x in zip(apps, inputs, strict=True)))
    for outputs, x in zip(got, inputs, strict=True):
        same(outputs, diamond(x))


@pytest.mark.asyncio
async def test_units_work_in_parallel() -> None:
    """The right branch runs while the left one is held up."""
    gate = Gate("s1")
    backend = FakeBackend(before=gate)
    async with Runtime(two_units(backend)) as runtime:
        app = await runtime.deploy(SPLIT, name="a", model=DIAMOND)
        waiting = asyncio.ensure_future(app({"x": X}))
        await asyncio.to_thread(gate.reached.wait)
        while ("s2", "hetsched-gpu") not in backend.threads:
            await asyncio.sleep(0)
        gate.open()
        same(await waiting, diamond(X))


@pytest.mark.asyncio
async def test_times_of_stages_are_inside_the_requests() -> None:
    async with Runtime(two_units(FakeBackend())) as runtime:
        app = await runtime.deploy(SPLIT, name="a", model=DIAMOND)
        result = await app.request({"x": X})
    assert [(s.id, s.planned_unit, s.unit) for s in result.stages] == [
        ("s0", "cpu", "cpu"),
        ("s1", "cpu", "cpu"),
        ("s2", "gpu", "gpu"),
        ("s3", "cpu", "cpu"),
    ]
    ends = [stage.end_ns for stage in result.stages]
    assert all(0 <= s.start_ns <= s.end_ns <= result.latency_ns for s in result.stages)
    assert result.stages[3].start_ns >= max(ends[:3])
    assert all(stage.start_ns >= ends[0] for stage in result.stages[1:])


@pytest.mark.asyncio
async def test_an_input_handed_through_is_a_copy() -> None:
    model = make_model([op("a", "Neg", "x", "y")], outputs=["y", "x"])
    async with Runtime(two_units(FakeBackend())) as runtime:
        app = await runtime.deploy(plan_of(model, [("cpu", "a")]), name="a", model=model)
        outputs = await app({"x": X})
    same(outputs, {"y": -X, "x": X})
    assert not np.shares_memory(outputs["x"], X)


@pytest.mark.asyncio
async def test_an_empty_plan_gives_its_inputs_back() -> None:
    model = make_model([], outputs=["x"])
    async with Runtime(two_units(FakeBackend())) as runtime:
        app = await runtime.deploy(plan_of(model, []), name="a", model=model)
        same(await app({"x": X}), {"x": X})
        same(app.run({"x": X}), {"x": X})


@pytest.mark.asyncio
async def test_wrong_inputs_are_refused_before_anything_runs() -> None:
    backend = FakeBackend()
    async with Runtime(two_units(backend)) as runtime:
        app = await runtime.deploy(SPLIT, name="a", model=DIAMOND)
        with pytest.raises(RunError, match=r"no input 'z': it has x"):
            await app({"z": X})
        with pytest.raises(RunError, match=r"'x' is missing: give float32 of shape \(4,\)"):
            app.run({})
    assert backend.threads == []


@pytest.mark.asyncio
async def test_deploying_refuses_what_does_not_fit() -> None:
    async with Runtime(two_units(FakeBackend())) as runtime:
        await runtime.deploy(SPLIT, name="a", model=DIAMOND)
        with pytest.raises(RunError, match="an app named 'a' is deployed already"):
            await runtime.deploy(SPLIT, name="a", model=DIAMOND)
        other = msgspec.structs.replace(SPLIT.model, sha256="f" * 64)
        with pytest.raises(PlanError, match=r"f{64}.*1{64}"):
            await runtime.deploy(
                msgspec.structs.replace(SPLIT, model=other), name="b", model=DIAMOND
            )
        gap = plan_of(DIAMOND, [("cpu", ["head"]), ("cpu", ["left"])])
        with pytest.raises(RunError, match="no stage of the plan makes the model's output 'y'"):
            await runtime.deploy(gap, name="b", model=DIAMOND)
        late = plan_of(DIAMOND, [("cpu", ["left", "right", "tail"]), ("gpu", ["head"])])
        with pytest.raises(RunError, match=r"stage 's0' on unit 'cpu' .* which no stage before"):
            await runtime.deploy(late, name="b", model=DIAMOND)
        await runtime.deploy(SPLIT, name="b", model=DIAMOND)  # the name is free after all that


@pytest.mark.asyncio
async def test_a_compile_failure_reaches_the_caller_and_nothing_else() -> None:
    model = make_model([op("odd", "Sqrt", "x", "y")], outputs=["y"])
    async with Runtime(two_units(FakeBackend())) as runtime:
        with pytest.raises(BackendError, match="op 'odd'"):
            await runtime.deploy(plan_of(model, [("cpu", ["odd"])]), name="a", model=model)
        app = await runtime.deploy(SPLIT, name="a", model=DIAMOND)
        same(await app({"x": X}), diamond(X))


def test_a_runtime_needs_distinct_units() -> None:
    with pytest.raises(RunError, match="at least one unit"):
        Runtime([])
    unit = RuntimeUnit(name="cpu", backend=FakeBackend())
    with pytest.raises(RunError, match="two units are named 'cpu'"):
        Runtime([unit, unit])


@pytest.mark.asyncio
async def test_a_runtime_is_used_once_and_only_while_open() -> None:
    runtime = Runtime(two_units(FakeBackend()))
    with pytest.raises(RunError, match="this runtime is new"):
        await runtime.deploy(SPLIT, name="a", model=DIAMOND)
    async with runtime:
        app = await runtime.deploy(SPLIT, name="a", model=DIAMOND)
    with pytest.raises(RunError, match="closed"):
        await app({"x": X})
    with pytest.raises(RunError, match="closed"):
        app.run({"x": X})
    with pytest.raises(RunError, match="this runtime is closed"):
        await runtime.deploy(SPLIT, name="b", model=DIAMOND)
    with pytest.raises(RunError, match="this runtime is closed: make a new one"):
        await runtime.__aenter__()
    await runtime.close()  # again: of no effect
