"""Stages that may run on units of different backends."""

import asyncio
from collections.abc import Mapping, Sequence

import msgspec
import numpy as np
import pytest

from hetsched.backends.base import Buffer
from hetsched.backends.null import NullBackend
from hetsched.errors import BackendError, RunError
from hetsched.plan.model import Alternative
from hetsched.quantity import Origin
from hetsched.runtime import Runtime, RuntimeUnit
from hetsched.runtime.standins import Alternatives, able_units
from tests.unit.runtime.fakes import DIAMOND, FakeBackend, FakeBuffer, Gate, diamond, make_model, op
from tests.unit.runtime.plans import plan_of

X = np.array([1, -2, 3, -4], np.float32)
CHAIN = make_model(
    [op("a", "Neg", "x", "ta"), op("b", "Abs", "ta", "tb"), op("c", "Neg", "tb", "y")],
    outputs=["y"],
)
"""y = -|x|."""
SPLIT = plan_of(CHAIN, [("cpu", "a"), ("cpu", "b"), ("cpu", "c")])


def same(got: Mapping[str, np.ndarray], want: Mapping[str, np.ndarray]) -> None:
    assert list(got) == list(want)
    for name, array in want.items():
        np.testing.assert_array_equal(got[name], array)


def units(*backends: FakeBackend) -> list[RuntimeUnit]:
    return [RuntimeUnit(name=each.name, backend=each) for each in backends]


@pytest.mark.asyncio
async def test_each_backend_compiles_alone_what_may_go_to_several() -> None:
    cpu, gpu = FakeBackend(name="cpu"), FakeBackend(name="gpu")
    async with Runtime(units(cpu, gpu)) as runtime:
        app = await runtime.deploy(SPLIT, name="a", model=CHAIN, alternatives={"cpu": ["gpu"]})
        same(await app({"x": X}), {"y": -np.abs(X)})
    assert cpu.compiled == gpu.compiled == [["s0"], ["s1"], ["s2"]]


@pytest.mark.asyncio
async def test_a_request_goes_where_there_is_room_whatever_the_backend() -> None:
    """`s1` is held up on both units at once: one request on each."""
    gate = Gate("s1")
    cpu, gpu = FakeBackend(name="cpu", before=gate), FakeBackend(name="gpu", before=gate)
    async with Runtime(units(cpu, gpu)) as runtime:
        app = await runtime.deploy(SPLIT, name="a", model=CHAIN, alternatives="all")
        calls = [asyncio.ensure_future(app.request({"x": X + i})) for i in range(2)]
        held = ("s1", "hetsched-cpu"), ("s1", "hetsched-gpu")
        while not {*cpu.threads, *gpu.threads} >= {*held}:
            await asyncio.sleep(0)
        gate.open()
        results = await asyncio.gather(*calls)
    for i, result in enumerate(results):
        same(result.outputs, {"y": -np.abs(X + i)})
        for stage in result.stages:
            assert stage.backend == stage.unit  # each backend is called like its unit
    assert {result.stages[1].unit for result in results} == {"cpu", "gpu"}


@pytest.mark.asyncio
async def test_what_only_one_backend_runs_keeps_its_private_values() -> None:
    """`gpu` doesn't know Add: all but `tail` may go there, `tail` is compiled with nobody."""

    class NoAdd(FakeBackend):
        def compile(self, model, stages):  # type: ignore[no-untyped-def]
            if any(model.graph.op[o].op_type == "Add" for s in stages for o in s.ops):
                raise BackendError("op 'tail': no Add here")
            return FakeBackend.compile(self, model, stages)

    cpu, gpu = FakeBackend(name="cpu"), NoAdd(name="gpu")
    parts = [("cpu", ["head"]), ("cpu", ["left"]), ("cpu", ["right"]), ("cpu", ["tail"])]
    async with Runtime(units(cpu, gpu)) as runtime:
        app = await runtime.deploy(
            plan_of(DIAMOND, parts), name="a", model=DIAMOND, alternatives="all"
        )
        for i in range(5):
            same(await app({"x": X + i}), diamond(X + i))
        assert app.notes == (
            "stage 's3' on unit gpu (backend gpu) can't be compiled: op 'tail': no Add here",
        )
    assert cpu.compiled == [["s0"], ["s1"], ["s2"], ["s3"]]
    assert gpu.compiled == [["s0"], ["s1"], ["s2"]]


class Backwards(FakeBackend):
    """Its executables read and make their values in the opposite order."""

    def compile(self, model, stages):  # type: ignore[no-untyped-def]
        made = FakeBackend.compile(self, model, stages)
        for each in made:
            each.outputs = each.outputs[::-1]
            each.inputs, each._reads = each.inputs[::-1], each._reads[::-1]
        self.spoil = lambda _, buffers: buffers[::-1]
        return made


@pytest.mark.asyncio
@pytest.mark.parametrize("unit", ["cpu", "gpu"])
async def test_backends_may_order_values_as_they_like(unit: str) -> None:
    """Two stages with two values between them, each of them on `unit` alone, then on the other."""
    model = make_model(
        [
            op("a", "Neg", "x", "p"),
            op("b", "Abs", "x", "q"),
            op("c", "Mul", "p q", "r"),
            op("d", "Add", "r p", "y"),
        ],
        outputs=["y"],
    )
    plan = plan_of(model, [(unit, ["a", "b"]), (unit, ["c", "d"])])
    backends = {"cpu": FakeBackend(name="cpu"), "gpu": Backwards(name="gpu")}
    async with Runtime(units(*backends.values())) as runtime:
        app = await runtime.deploy(plan, name="a", model=model, alternatives="all")
        for _ in range(4):
            same(await app({"x": X}), {"y": -X * np.abs(X) - X})


@pytest.mark.asyncio
async def test_wrong_shapes_are_told_by_the_stage_that_made_them() -> None:
    def spoil(stage: str, made: list[Buffer]) -> list[Buffer]:
        return [FakeBuffer(np.zeros(3, np.float32))] if stage == "s1" else made

    cpu, gpu = FakeBackend(name="cpu", spoil=spoil), FakeBackend(name="gpu", spoil=spoil)
    async with Runtime(units(cpu, gpu)) as runtime:
        app = await runtime.deploy(SPLIT, name="a", model=CHAIN, alternatives="all")
        wrong = r"stage 's1' on unit '.pu' .* made 'tb' as float32 of shape \(3,\) instead of"
        with pytest.raises(RunError, match=wrong):
            await app({"x": X})


@pytest.mark.asyncio
async def test_alternatives_must_be_units_that_exist() -> None:
    async def refused(alternatives: object) -> str:
        with pytest.raises(RunError) as found:
            await runtime.deploy(SPLIT, name="a", model=CHAIN, alternatives=alternatives)  # type: ignore[arg-type]
        return str(found.value)

    async with Runtime(units(FakeBackend(name="cpu"), FakeBackend(name="gpu"))) as runtime:
        assert "alternatives is 'some': give same-backend, all, or" in await refused("some")
        assert await refused({"npu": ["cpu"]}) == "alternatives name 'npu': the plan has cpu"
        assert await refused({"cpu": ["npu"]}) == (
            "alternatives of 'cpu' name 'npu': take some of cpu, gpu"
        )


REFUSED = "op 'b': no such arithmetic"


class NoAbs(FakeBackend):
    def compile(self, model, stages):  # type: ignore[no-untyped-def]
        self.tried: Sequence[str] = [s.id for s in stages]
        if any(model.graph.op[o].op_type == "Abs" for s in stages for o in s.ops):
            raise BackendError(REFUSED)
        return FakeBackend.compile(self, model, stages)


@pytest.mark.asyncio
async def test_what_a_backend_refuses_goes_to_another_when_asked_to() -> None:
    cpu, gpu = FakeBackend(name="cpu"), NoAbs(name="gpu")
    plan = plan_of(CHAIN, [("gpu", "a"), ("gpu", "b"), ("gpu", "c")])
    async with Runtime(units(cpu, gpu)) as runtime:
        with pytest.raises(BackendError, match=REFUSED):
            await runtime.deploy(plan, name="a", model=CHAIN)
        app = await runtime.deploy(plan, name="a", model=CHAIN, on_compile_failure="alternative")
        result = await app.request({"x": X})
        same(result.outputs, {"y": -np.abs(X)})
        assert [stage.unit for stage in result.stages] == ["gpu", "cpu", "gpu"]
        assert app.notes == (f"stage 's1' on unit gpu (backend gpu) can't be compiled: {REFUSED}",)
    assert (cpu.compiled, gpu.compiled[-1]) == ([["s1"]], ["s0", "s2"])


@pytest.mark.asyncio
async def test_what_no_backend_takes_is_refused_with_every_reason() -> None:
    cpu, gpu = NoAbs(name="cpu"), NoAbs(name="gpu")
    async with Runtime(units(cpu, gpu)) as runtime:
        with pytest.raises(BackendError, match=r"^no unit here takes it: stage 's1' on unit cpu"):
            await runtime.deploy(SPLIT, name="a", model=CHAIN, on_compile_failure="alternative")
        with pytest.raises(RunError, match="give refuse or alternative or replan"):
            await runtime.deploy(SPLIT, name="a", model=CHAIN, on_compile_failure="no")  # type: ignore[arg-type]


class Zeros(FakeBackend):
    """Computes nothing, as `null`."""

    computes = False


class Emulating(FakeBackend):
    """Says of itself that it only plays another unit."""

    emulated = True


def test_who_may_stand_in_when_all_may() -> None:
    """Never what computes nothing for what computes, even where the plan's alternatives name it."""
    cpu, zeros, npu, gpu = units(
        FakeBackend(name="cpu"),
        Zeros(name="zeros"),
        Emulating(name="npu"),
        FakeBackend(name="gpu"),
    )
    part = msgspec.structs.replace(
        SPLIT.subgraphs[0],
        alternatives=(Alternative(unit="zeros", cost_ns=1, origin=Origin.ASSUMED),),
    )
    here = [cpu, zeros, npu, gpu]

    def able(first: str, wanted: Alternatives) -> list[str]:
        found = able_units(SPLIT, part, here, {"cpu": first}, wanted)
        return [here[index].name for index, _ in found]

    assert able("cpu", "all") == ["cpu", "gpu"]
    assert able("zeros", "all") == ["zeros", "cpu", "gpu"]  # the plan's own: for trials
    assert able("cpu", {"cpu": ["zeros"]}) == ["cpu", "zeros"]  # named on purpose


@pytest.mark.asyncio
async def test_zeros_never_answer_for_a_real_unit() -> None:
    """`s1` is held up on the only real unit: nobody else takes it."""
    gate = Gate("s1")
    cpu = FakeBackend(name="cpu", before=gate)
    null = RuntimeUnit(name="null", backend=NullBackend(), isolation="process")
    async with Runtime([*units(cpu), RuntimeUnit(name="n", backend=NullBackend()), null]) as rt:
        app = await rt.deploy(SPLIT, name="a", model=CHAIN, alternatives="all")
        calls = [asyncio.ensure_future(app({"x": X + i})) for i in range(3)]
        await asyncio.to_thread(gate.reached.wait, 60)
        gate.open()
        for i, got in enumerate(await asyncio.gather(*calls)):
            same(got, {"y": -np.abs(X + i)})
