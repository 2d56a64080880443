"""A plan's own host stages at the model's end: the pool does them, the units go on meanwhile."""

import asyncio
import threading
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from onnx import helper

from hetsched.backends.null import NullBackend
from hetsched.backends.ort import OrtBackend
from hetsched.errors import RunError
from hetsched.ir.load import load
from hetsched.ir.model import Model
from hetsched.plan.build import Request, make
from hetsched.plan.model import HostStage, Plan
from hetsched.runtime import Runtime, RuntimeUnit, SyncRuntime
from hetsched.runtime.host_stage import HostCall
from hetsched.runtime.tail import Tail, cut, may_leave
from hetsched.runtime.trial import run_plan
from hetsched.soc.catalog import profile
from tests.unit.backends.tiny import made, port
from tests.unit.plan.test_rewrites import network
from tests.unit.runtime.fakes import FakeBackend
from tests.unit.runtime.plans import plan_of

X = np.array([1, -2, 3, -4], np.float32)


def model_in(folder: Path) -> Model:
    """n = -x; a = |n|, y = relu(a) + x; outputs y and n."""
    nodes = [
        helper.make_node("Neg", ["x"], ["n"], "neg"),
        helper.make_node("Abs", ["n"], ["a"], "abs"),
        helper.make_node("Relu", ["a"], ["r"], "relu"),
        helper.make_node("Add", ["r", "x"], ["y"], "add"),
    ]
    return made(folder, nodes, [port("x", [4])], [port("y", [4]), port("n", [4])])


def right(x: np.ndarray) -> dict[str, np.ndarray]:
    return {"y": np.abs(x) + x, "n": -x}


def with_host(plan: Plan, part: str, *ops: str) -> Plan:
    return msgspec.structs.replace(plan, host_stages=(HostStage(name=part, ops=ops),))


def planned(model: Model) -> Plan:
    """Neg on the accelerator; Abs, Relu and Add at home, of which Relu is a host stage."""
    plan = plan_of(model, [("apu", ["neg"]), ("cpu", ["abs", "relu", "add"])])
    return with_host(plan, "s1", "relu")


def units(**backends: Any) -> list[RuntimeUnit]:
    return [RuntimeUnit(name=name, backend=backend) for name, backend in backends.items()]


def same(got: Any, x: np.ndarray) -> None:
    assert list(got) == ["y", "n"]
    for name, want in right(x).items():
        np.testing.assert_array_equal(got[name], want)


def test_what_is_cut_off(tmp_path: Path) -> None:
    model = model_in(tmp_path)
    found = cut(planned(model), model.graph)
    assert found is not None
    # Add reads what Relu makes, so it goes along; x goes through to it, n to the caller.
    assert (found.tail.id, found.tail.ops) == ("tail:s1", ("relu", "add"))
    assert found.tail.outputs == ("y",)
    assert found.values == ("n", "a", "x")
    assert [(part.id, part.ops, part.outputs) for part in found.head.subgraphs] == [
        ("s0", ("neg",), ("n",)),
        ("s1", ("abs",), ("a",)),
    ]


def test_what_is_left_whole(tmp_path: Path) -> None:
    model = model_in(tmp_path)
    ops = ["neg", "abs", "relu", "add"]
    plan = planned(model)
    assert cut(msgspec.structs.replace(plan, host_stages=()), model.graph) is None
    here = msgspec.structs.replace(plan.profile, name="host")
    assert cut(msgspec.structs.replace(plan, profile=here), model.graph) is None
    # In the middle: Add is on the accelerator.
    middle = plan_of(model, [("cpu", ops[:3]), ("apu", ["add"])])
    assert cut(with_host(middle, "s0", "relu"), model.graph) is None
    # Nothing would be left for the units.
    assert cut(with_host(plan_of(model, [("cpu", ops)]), "s0", "neg"), model.graph) is None


def test_what_multiplies_matrices_is_no_tail(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Neg", ["x"], ["n"], "neg"),
        helper.make_node("Relu", ["n"], ["r"], "relu"),
        helper.make_node("MatMul", ["r", "w"], ["y"], "matmul"),
    ]
    constants = {"w": np.eye(4, dtype=np.float32)}
    model = made(tmp_path, nodes, [port("x", [1, 4])], [port("y", [1, 4])], constants)
    plan = plan_of(model, [("apu", ["neg"]), ("cpu", ["relu", "matmul"])])
    assert cut(with_host(plan, "s1", "relu"), model.graph) is None


def test_zeros_and_emulated_units_keep_theirs() -> None:
    class Emulating(FakeBackend):
        emulated = True

    assert may_leave(FakeBackend())
    assert not may_leave(NullBackend())
    assert not may_leave(Emulating())


class Held:
    """Holds up the first call of a tail until it is opened; who called it is kept."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.reached, self.opened = threading.Event(), threading.Event()
        self.threads: list[str] = []
        call = Tail.__call__

        def held(tail: Tail, values: Any) -> dict[str, Any]:
            self.threads.append(threading.current_thread().name)
            if not self.reached.is_set():
                self.reached.set()
                assert self.opened.wait(60), "never opened"
            return call(tail, values)

        patch.setattr(Tail, "__call__", held)


@pytest.mark.asyncio
async def test_units_take_the_next_request_while_the_tail_computes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, held = model_in(tmp_path), Held(monkeypatch)
    apu, cpu = FakeBackend(), FakeBackend()
    async with Runtime(units(apu=apu, cpu=cpu)) as runtime:
        app = await runtime.deploy(planned(model), name="a", model=model)
        first = asyncio.ensure_future(app.request({"x": X}))
        await asyncio.to_thread(held.reached.wait, 60)
        # The first one's tail stands still: others go through both units and their own tails.
        for number in range(2, 5):
            same(await app({"x": X * number}), X * number)
        assert not first.done()
        held.opened.set()
        result = await first
    same(result.outputs, X)
    assert [(s.id, s.unit, s.backend) for s in result.stages] == [
        ("s0", "apu", "fake"),
        ("s1", "cpu", "fake"),
        ("tail:s1", "host", "thread"),
    ]
    assert result.stages[2].start_ns >= result.stages[1].end_ns
    assert all(name.startswith("hetsched-host-thread") for name in held.threads)
    assert len(cpu.threads) == 4
    assert (app.tally.requests, app.tally.completed) == (4, 4)


def test_without_a_loop_and_with_a_host_stage_of_ones_own(tmp_path: Path) -> None:
    model, post = model_in(tmp_path), HostCall(call=total, where="thread")
    with SyncRuntime(units(apu=FakeBackend(), cpu=FakeBackend())) as runtime:
        app = runtime.deploy(planned(model), name="a", model=model, post=post)
        answer: Any = app.run({"x": X})
        result = app.run_timed({"x": X})
    assert answer == float((np.abs(X) + X).sum())
    assert [s.id for s in result.stages] == ["s0", "s1", "tail:s1", "post0:total"]


def total(values: dict[str, np.ndarray]) -> float:
    return float(values["y"].sum())


@pytest.mark.asyncio
async def test_state_that_the_tail_makes_is_handed_on(tmp_path: Path) -> None:
    """y = |x| + x of the request before."""
    model = model_in(tmp_path)
    async with Runtime(units(apu=FakeBackend(), cpu=FakeBackend())) as runtime:
        app = await runtime.deploy(planned(model), name="a", model=model, state={"y": "x"})
        stream, want = app.new_stream({"x": X}), X
        for _ in range(3):
            got = await stream({})
            assert list(got) == ["n"]
            np.testing.assert_array_equal(got["n"], -want)
            want = right(want)["y"]


@pytest.mark.asyncio
async def test_a_new_plan_has_its_own_tail_or_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, held = model_in(tmp_path), Held(monkeypatch)
    plain = msgspec.structs.replace(planned(model), host_stages=())
    async with Runtime(units(apu=FakeBackend(), cpu=FakeBackend())) as runtime:
        app = await runtime.deploy(planned(model), name="a", model=model)
        first = asyncio.ensure_future(app({"x": X}))
        await asyncio.to_thread(held.reached.wait, 60)
        await app.redeploy(plain, model=model)
        result = await app.request({"x": X * 2})
        held.opened.set()
        same(await first, X)  # it ends as it began
        await app.redeploy(planned(model), model=model)
        again = await app.request({"x": X * 3})
    same(result.outputs, X * 2)
    assert [s.id for s in result.stages] == ["s0", "s1"]
    assert [s.id for s in again.stages] == ["s0", "s1", "tail:s1"]


@pytest.mark.asyncio
async def test_a_tail_that_fails_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = model_in(tmp_path)

    def fail(_: Tail, __: Any) -> dict[str, Any]:
        raise ValueError("no")

    async with Runtime(units(apu=FakeBackend(), cpu=FakeBackend())) as runtime:
        app = await runtime.deploy(planned(model), name="a", model=model)
        monkeypatch.setattr(Tail, "__call__", fail)
        with pytest.raises(RunError, match=r"host stage 'tail:s1' of app 'a' failed: ValueError"):
            await app({"x": X})
    assert (app.tally.requests, app.tally.failed) == (1, 1)


@pytest.mark.asyncio
async def test_a_plan_that_was_made_with_a_host_stage(tmp_path: Path) -> None:
    """MACE has no Erf; on the home's unit runs what is before it, on the pool the Erf."""
    model, soc = load(network(tmp_path, "Relu", blocks=1, last="Erf")), profile("helio-g90")
    plan = make(model, soc, Request(framework="mace")).plan
    trial = await run_plan(plan, model, given={}, backends={}, check=True)
    assert trial.verified is not None
    assert trial.verified.passed
    home = {stage.name for stage in plan.host_stages}
    hosted = [stage for stage in trial.stages if stage.on == "host"]
    assert {stage.id for stage in hosted} <= home
    async with Runtime(units(cpu=OrtBackend(cache_dir=tmp_path))) as runtime:
        on = {part.unit: "cpu" for part in plan.subgraphs}
        app = await runtime.deploy(plan, name="a", model=model, mapping=on)
        result = await app.request({"x": np.ones((1, 64, 56, 56), np.float32)})
    assert result.stages[-1].id.startswith("tail:")
    assert result.stages[-1].unit == "host"
