"""Units that can run a stage, and what is learnt of its times."""

import asyncio

import msgspec
import numpy as np
import pytest

from hetsched.errors import DroppedError, RunError
from hetsched.plan.model import Alternative, Plan
from hetsched.quantity import Origin
from hetsched.runtime import Runtime, RuntimeUnit
from hetsched.runtime.standins import able_units
from tests.unit.runtime.fakes import FakeBackend, Gate, make_model, op
from tests.unit.runtime.plans import plan_of

X = np.array([1, -2, 3, -4], np.float32)
MODEL = make_model([op("neg", "Neg", "x", "y")], outputs=["y"])


def plan_with(*alternatives: tuple[str, int], profile: str = "host") -> Plan:
    """One stage on `cpu0` for 1 us, or elsewhere for so many ns."""
    plan = plan_of(MODEL, [("cpu0", ["neg"])])
    others = tuple(
        Alternative(unit=unit, cost_ns=ns, origin=Origin.MEASURED) for unit, ns in alternatives
    )
    part = msgspec.structs.replace(plan.subgraphs[0], alternatives=others)
    ref = msgspec.structs.replace(plan.profile, name=profile)
    return msgspec.structs.replace(plan, subgraphs=(part,), profile=ref)


def able(plan: Plan, units: list[RuntimeUnit], **mapping: str) -> tuple[tuple[int, int], ...]:
    return able_units(plan, plan.subgraphs[0], units, mapping)


def test_units_of_the_same_backend_are_alternatives() -> None:
    one, two = FakeBackend(), FakeBackend()
    units = [
        RuntimeUnit(name="cpu0", backend=one),
        RuntimeUnit(name="cpu1", backend=one),
        RuntimeUnit(name="gpu", backend=two),
    ]
    plan = plan_with(("cpu1", 1500), ("gpu", 200), ("apu", 100))
    assert able(plan, units, cpu0="cpu0") == ((0, 1000), (1, 1500))
    assert able(plan, units, cpu0="gpu") == ((2, 1000),)
    assert able(plan, units, cpu0="cpu0", apu="cpu1") == ((0, 1000), (1, 1500))
    assert able(plan_with(), units, cpu0="cpu1") == ((1, 1000),)


def test_times_of_another_machine_say_nothing_here() -> None:
    backend = FakeBackend()
    units = [RuntimeUnit(name=name, backend=backend) for name in ("cpu0", "cpu1")]
    plan = plan_with(("cpu1", 1500), profile="helio-g90")
    assert able(plan, units, cpu0="cpu0") == ((0, 0), (1, 0))


@pytest.mark.asyncio
async def test_an_app_uses_every_unit_that_can_run_its_stage() -> None:
    """Both units are held up in the same stage at once, one request on each."""
    gate = Gate("s0")
    backend = FakeBackend(before=gate)
    units = [RuntimeUnit(name=name, backend=backend) for name in ("cpu0", "cpu1")]
    async with Runtime(units) as runtime:
        app = await runtime.deploy(plan_with(("cpu1", 1000)), name="a", model=MODEL)
        calls = [asyncio.ensure_future(app.request({"x": X})) for _ in range(2)]
        while len(backend.threads) < 2:
            await asyncio.sleep(0)
        gate.open()
        results = await asyncio.gather(*calls)
    assert [result.stages[0].unit for result in results] == ["cpu0", "cpu1"]
    assert sorted(backend.threads) == [("s0", "hetsched-cpu0"), ("s0", "hetsched-cpu1")]


@pytest.mark.asyncio
async def test_learnt_times_reach_the_dispatcher() -> None:
    """After one request that takes a while, one that asks for less time is refused at once."""
    release = Gate("s0")
    backend = FakeBackend(before=release)
    units = [RuntimeUnit(name="cpu0", backend=backend)]
    async with Runtime(units) as runtime:
        plan = plan_with(profile="another")
        app = await runtime.deploy(plan, name="a", model=MODEL, deadline="1min", admission="own")
        first = asyncio.ensure_future(app.request({"x": X}))
        await asyncio.to_thread(release.reached.wait)
        await asyncio.sleep(0.01)
        release.open()
        took_ns = (await first).stages[0].duration_ns
        assert took_ns >= 10_000_000
        with pytest.raises(DroppedError, match="was dropped"):
            await app({"x": X}, deadline=took_ns // 2)
    assert len(backend.threads) == 1


@pytest.mark.asyncio
async def test_declared_rates_add_up_to_load(caplog: pytest.LogCaptureFixture) -> None:
    """A stage of 1 us, 400,000 and then 700,000 times a second: 40%, 110% of the unit."""
    units = [RuntimeUnit(name="cpu0", backend=FakeBackend())]
    async with Runtime(units) as runtime:
        await runtime.deploy(plan_with(), name="none", model=MODEL)
        assert runtime.load() == {"cpu0": 0.0}
        await runtime.deploy(plan_with(), name="a", model=MODEL, rate=400_000)
        assert runtime.load() == {"cpu0": pytest.approx(0.4)}
        assert caplog.text == ""
        await runtime.deploy(plan_with(), name="b", model=MODEL, rate=700_000)
        assert "unit cpu0 is asked for 110% of its time by the declared rates" in caplog.text
        with pytest.raises(RunError, match="rate is 0: give requests per second, above 0"):
            await runtime.deploy(plan_with(), name="c", model=MODEL, rate=0)


@pytest.mark.asyncio
async def test_what_was_seen_counts_before_what_was_planned() -> None:
    units = [RuntimeUnit(name="cpu0", backend=FakeBackend())]
    async with Runtime(units, policy="least-slack") as runtime:
        app = await runtime.deploy(plan_with(profile="another"), name="a", model=MODEL, rate=10)
        assert app.expected_ns() == {"cpu0": 0}
        took_ns = (await app.request({"x": X})).stages[0].duration_ns
        assert app.expected_ns() == {"cpu0": took_ns}
        assert runtime.load() == {"cpu0": pytest.approx(took_ns * 10 / 1e9)}
