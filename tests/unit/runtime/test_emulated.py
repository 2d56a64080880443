"""Emulated units: the plan's times, only for the plan's SoC, never a cost."""

import asyncio
import logging
from pathlib import Path

import numpy as np
import pytest

import hetsched
from hetsched.backends.base import is_emulated
from hetsched.backends.emulated import EmulatedBackend
from hetsched.backends.null import NullBackend
from hetsched.errors import BackendError
from hetsched.ir.chain import read_layers, save_chain
from hetsched.ir.load import load
from hetsched.ir.model import Model
from hetsched.plan.model import Plan
from hetsched.runtime.emulated import emulated_units
from hetsched.runtime.runtime import Runtime
from hetsched.soc.profile import Profile

LAYERS = """model,layer,type,N,K,C,Y,X,R,S,stride_y,stride_x
m,a,CONV,1,8,3,16,16,3,3,,
m,b,CONV,1,8,8,16,16,3,3,,
"""


@pytest.fixture
def model(tmp_path: Path) -> Model:
    (tmp_path / "layers.csv").write_text(LAYERS)
    save_chain(read_layers(tmp_path / "layers.csv", "m"), tmp_path / "m.onnx")
    return load(tmp_path / "m.onnx")


@pytest.fixture
def profile() -> Profile:
    return hetsched.profile("helio-g90")


@pytest.fixture
def plan(model: Model, profile: Profile) -> Plan:
    return hetsched.plan(model, profile)


def request(units_of: Profile, plan: Plan, model: Model, inner: NullBackend | None) -> np.ndarray:
    async def go() -> np.ndarray:
        async with Runtime(emulated_units(units_of, inner=inner)) as runtime:
            app = await runtime.deploy(plan, name="m", model=model)
            inputs = {"x": np.ones((1, 3, 16, 16), np.float32)}
            (made,) = (await app(inputs)).values()
            return np.asarray(made)

    return asyncio.run(go())


def test_the_units_are_the_profiles_and_say_that_they_are_emulated(profile: Profile) -> None:
    units = emulated_units(profile, inner=NullBackend())
    assert [unit.name for unit in units] == [unit.name for unit in profile.units]
    assert all(is_emulated(unit.backend) and unit.backend.name == "emulated" for unit in units)


def test_the_numbers_are_the_hosts(model: Model, plan: Plan, profile: Profile) -> None:
    made = request(profile, plan, model, None)
    assert made.shape == (1, 8, 16, 16)
    assert made.std() > 0


def test_stages_take_what_the_plan_says(model: Model, plan: Plan, profile: Profile) -> None:
    units = emulated_units(profile, inner=NullBackend())
    for part in plan.subgraphs:
        backend = next(unit.backend for unit in units if unit.name == part.unit)
        assert isinstance(backend, EmulatedBackend)
        backend.expect(plan, model)
        from hetsched.backends.base import StageSpec

        spec = StageSpec(id=part.id, ops=part.ops, outputs=part.outputs)
        (made,) = backend.compile(model, [spec])
        assert made.expected.alone_ns == part.end_ns - part.start_ns
        # Dispatch and copies aren't slowed down by what else runs.
        assert made.expected.fixed_ns >= profile.unit(part.unit).dispatch_ns


def test_a_host_that_is_too_slow_is_announced_once(
    model: Model, plan: Plan, profile: Profile, caplog: pytest.LogCaptureFixture
) -> None:
    slow = NullBackend(delays_ns={part.id: 50_000_000 for part in plan.subgraphs})
    units = emulated_units(profile, inner=slow)

    async def go() -> None:
        async with Runtime(units) as runtime:
            app = await runtime.deploy(plan, name="m", model=model)
            for _ in range(3):
                await app({"x": np.ones((1, 3, 16, 16), np.float32)})

    with caplog.at_level(logging.WARNING):
        asyncio.run(go())
    told = [record.message for record in caplog.records if "too slow" in record.message]
    assert len(told) == len(plan.subgraphs)
    assert "this host is too slow to keep pace: " in told[0]
    late = {name for unit in units for name in getattr(unit.backend, "late_stages", ())}
    assert late == {part.id for part in plan.subgraphs}


def test_a_plan_for_another_soc_is_refused(model: Model, plan: Plan) -> None:
    other = hetsched.profile("kirin-990")
    with pytest.raises(BackendError, match="these units are emulated: the plan is for profile hel"):
        request(other, plan, model, NullBackend())
