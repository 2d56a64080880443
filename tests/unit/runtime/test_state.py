"""State per stream: fed back, never mixed, in the order of the calls."""

import asyncio
from collections.abc import Iterator

import numpy as np
import onnxruntime as ort
import pytest

from hetsched.errors import DroppedError, RunError
from hetsched.ir.load import load
from hetsched.ir.model import Model
from hetsched.runtime import Runtime, RuntimeUnit, SyncRuntime, host_units
from hetsched.runtime.state import StateSpec, Turns
from tests.unit.runtime.fakes import FakeBackend, Gate, make_model, op
from tests.unit.runtime.plans import plan_of

ADDER = make_model(
    [op("sum", "Add", "x s", "t"), op("copy", "Relu", "t", "y")],
    inputs=["x", "s"],
    outputs=["y", "t"],
)
"""Running sums of what is not negative: t = x + s, y = relu(t); t feeds s."""
PLAN = plan_of(ADDER, [("cpu", ["sum"]), ("gpu", ["copy"])])
STATE = {"t": "s"}


def vector(value: float) -> np.ndarray:
    return np.full(4, value, np.float32)


def units(backend: FakeBackend | None = None) -> list[RuntimeUnit]:
    backend = backend or FakeBackend()
    return [RuntimeUnit(name=name, backend=backend) for name in ("cpu", "gpu")]


@pytest.mark.asyncio
async def test_each_stream_adds_up_its_own() -> None:
    """Stream k gets 1 + k, ten times, all calls at once: after n calls it has n (1 + k)."""
    async with Runtime(units()) as runtime:
        app = await runtime.deploy(PLAN, name="a", model=ADDER, state=STATE)
        streams = [app.new_stream() for _ in range(5)]
        calls = [s({"x": vector(1 + k)}) for _ in range(10) for k, s in enumerate(streams)]
        outputs = await asyncio.gather(*calls)
        left = [s.state["s"].tolist() for s in streams]
    for index, out in enumerate(outputs):
        n, k = index // 5 + 1, index % 5
        assert list(out) == ["y"]  # state isn't among the outputs
        assert out["y"].tolist() == [n * (1 + k)] * 4
    assert left == [[10 * (1 + k)] * 4 for k in range(5)]
    assert (app.tally.requests, app.tally.completed) == (50, 50)


@pytest.mark.asyncio
async def test_a_source_has_a_stream_of_its_own() -> None:
    async with Runtime(units()) as runtime:
        app = await runtime.deploy(PLAN, name="a", model=ADDER, state=STATE)
        for _ in range(2):
            source = [{"x": vector(1)} for _ in range(5)]
            seen = [out["y"][0] async for out in app.stream(source, max_in_flight=3)]
            assert seen == [1, 2, 3, 4, 5]


@pytest.mark.asyncio
async def test_what_fails_or_is_dropped_leaves_the_state() -> None:
    fails: Iterator[bool] = iter([False, True, False, False])

    def before(stage: str) -> None:
        if stage == "s0" and next(fails):
            raise ValueError("no")

    async with Runtime(units(FakeBackend(before=before))) as runtime:
        app = await runtime.deploy(PLAN, name="a", model=ADDER, state=STATE, deadline="60s")
        stream = app.new_stream({"s": vector(10)})
        assert (await stream({"x": vector(1)}))["y"][0] == 11
        with pytest.raises(RunError, match="ValueError: no"):
            await stream({"x": vector(1)})
        with pytest.raises(DroppedError):
            await stream({"x": vector(1)}, deadline=1)
        assert stream.state["s"][0] == 11
        assert (await stream({"x": vector(1)}))["y"][0] == 12
    tally = app.tally
    assert (tally.completed, tally.failed, tally.dropped, tally.in_flight) == (2, 1, 1, 0)


@pytest.mark.asyncio
async def test_one_that_is_cancelled_in_the_queue_lets_the_next_one_go() -> None:
    gate = Gate("s0")
    async with Runtime(units(FakeBackend(before=gate))) as runtime:
        app = await runtime.deploy(PLAN, name="a", model=ADDER, state=STATE)
        stream = app.new_stream()
        calls = [asyncio.create_task(stream({"x": vector(1)})) for _ in range(3)]
        while not gate.reached.is_set():
            await asyncio.sleep(0)
        calls[1].cancel()
        gate.open()
        outputs = await asyncio.gather(*calls, return_exceptions=True)
    assert isinstance(outputs[1], asyncio.CancelledError)
    assert [outputs[i]["y"][0] for i in (0, 2)] == [1, 2]  # type: ignore[index]  # not errors
    assert (app.tally.completed, app.tally.cancelled) == (2, 1)


def test_without_a_loop() -> None:
    with SyncRuntime(units()) as runtime:
        app = runtime.deploy(PLAN, name="a", model=ADDER, state=STATE)
        stream = app.new_stream()
        assert [stream.run({"x": vector(2)})["y"][0] for _ in range(3)] == [2, 4, 6]
        assert app.run({"x": vector(1), "s": vector(1)})["y"][0] == 2


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("state", "message"),
    [
        ({"u": "s"}, "has no output 'u'; these fit: 'y': 'x', 'y': 's', 't': 'x', 't': 's'"),
        ({"t": "z"}, "has no input 'z'"),
        ({"t": "s", "y": "s"}, "two outputs feed input 's'"),
    ],
)
async def test_wrong_declarations_are_refused(state: dict[str, str], message: str) -> None:
    async with Runtime(units()) as runtime:
        with pytest.raises(RunError, match=message):
            await runtime.deploy(PLAN, name="a", model=ADDER, state=state)
        app = await runtime.deploy(PLAN, name="a", model=ADDER)  # the name is free again
        with pytest.raises(RunError, match="has no state"):
            app.new_stream()


def test_shapes_and_dtypes_must_fit() -> None:
    model = load("zoo:silero-vad")
    wrong = {output: "input" for output in model.graph.outputs if output != "stateN"}
    with pytest.raises(RunError, match=r"the input float32 of shape .*; these fit: 'stateN'"):
        StateSpec(feeds=wrong).check(model.graph, "vad")


@pytest.mark.asyncio
async def test_wrong_calls_are_refused() -> None:
    async with Runtime(units()) as runtime:
        app = await runtime.deploy(PLAN, name="a", model=ADDER, state=STATE)
        with pytest.raises(RunError, match=r"input 's' of app 'a' is state.*new_stream"):
            await app({"x": vector(1)})
        with pytest.raises(RunError, match="its stream feeds it back"):
            await app.new_stream()({"x": vector(1), "s": vector(1)})
        with pytest.raises(RunError, match=r"initial 's' doesn't fit: give float32 .*\(4,\)"):
            app.new_stream({"s": np.zeros(5, np.float32)})
        with pytest.raises(RunError, match="'x' is no state: give initial values of s"):
            app.new_stream({"x": vector(1)})


def test_turns_come_in_order_and_may_be_given_up() -> None:
    turns = Turns()
    first, second, third = (turns.take() for _ in range(3))
    assert [t.done() for t in (first, second, third)] == [True, False, False]
    turns.leave(second)
    assert not third.done()
    turns.leave(first)
    assert third.done()
    turns.leave(third)
    assert turns.take().done()


def speech(seed: int, windows: int) -> np.ndarray:
    """Bursts of harmonics with silence between them, 16 kHz: (windows, 1, 576), overlapping by 64.

    Args:
        seed: of pitch and noise.
        windows: how many.
    """
    rng = np.random.default_rng(seed)
    at = np.arange(512 * windows + 64) / 16_000
    pitch = rng.uniform(90, 250)
    voice = sum(np.sin(2 * np.pi * pitch * k * at) / k for k in range(1, 20))
    signal = voice * (np.sin(2 * np.pi * 1.5 * at) > 0) * 0.2 + rng.normal(0, 0.01, at.size)
    cut = [signal[i * 512 : i * 512 + 576] for i in range(windows)]
    return np.stack(cut)[:, None].astype(np.float32)


@pytest.mark.asyncio
async def test_two_interleaved_streams_are_bit_equal_to_onnx_runtime_step_by_step() -> None:
    model: Model = load("zoo:silero-vad")
    plan = plan_of(model, [("cpu", [one.name for one in model.graph.ops])])
    session = ort.InferenceSession(str(model.path), providers=["CPUExecutionProvider"])
    sounds = [speech(seed, 60) for seed in (1, 2)]
    wanted = []
    for sound in sounds:
        state = np.zeros((2, 1, 128), np.float32)
        for window in sound:
            probability, state = session.run(None, {"input": window, "state": state})
            wanted.append(probability)
    async with Runtime(host_units()) as runtime:
        app = await runtime.deploy(plan, name="vad", model=model, state={"stateN": "state"})
        streams = [app.new_stream(), app.new_stream()]
        calls = [
            stream({"input": sound[i]})
            for i in range(60)
            for stream, sound in zip(streams, sounds, strict=True)
        ]
        outputs = await asyncio.gather(*calls)
    got = [outputs[2 * i + s]["output"] for s in range(2) for i in range(60)]
    assert np.ptp(np.concatenate(got)) > 0.1  # it hears something come and go
    np.testing.assert_array_equal(np.stack(got), np.stack(wanted))
