"""A unit of this machine becomes slow: a new plan is made of measured costs, and run instead."""

import asyncio
from pathlib import Path

import numpy as np
import pytest

from hetsched.backends.faulty import Fault, FaultyBackend
from hetsched.backends.ort import OrtBackend
from hetsched.backends.reference import reference_outputs
from hetsched.cost.measured import host_costs
from hetsched.ir.load import load
from hetsched.plan.build import Request, make
from hetsched.runtime import Runtime, RuntimeUnit, host_units
from hetsched.runtime.faults import FaultEvent
from hetsched.runtime.trial import fill_inputs

SLOW_NS = 20_000_000
"""On top of a fraction of a millisecond: no other load of the machine looks like it."""


def here(folder: Path, mark: Path, slow: str) -> list[RuntimeUnit]:
    """This machine's cores, one of which is slow once a file is there."""
    recipe = OrtBackend(cache_dir=folder).recipe()
    fault = Fault(kind="slow", slow_ns=SLOW_NS, after=str(mark))
    return [
        RuntimeUnit(
            name=unit.name,
            backend=FaultyBackend(recipe, [fault] if unit.name == slow else []),
            cores=unit.cores,
        )
        for unit in host_units()
    ]


@pytest.mark.asyncio
async def test_a_unit_that_becomes_slow_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert len(host_units()) > 1, "this test needs two cores"
    monkeypatch.setenv("HETSCHED_STORE", str(tmp_path / "costs.sqlite"))
    monkeypatch.setattr("hetsched.runtime.drift.PERIOD_S", 0.02)
    model = load("zoo:silero-vad")
    profile, costs = host_costs(model, budget_s=0.2)
    plan = make(model, profile, Request(time_limit_s=2.0), costs).plan
    slow = plan.subgraphs[0].unit
    inputs, _ = fill_inputs(model.graph, {}, seed=0)
    wanted = reference_outputs(model.path, inputs)
    mark, told = tmp_path / "slow", list[FaultEvent]()

    def right(outputs: dict[str, np.ndarray]) -> None:
        for name, want in wanted.items():
            np.testing.assert_allclose(outputs[name], np.asarray(want), rtol=1e-4, atol=1e-6)

    async with Runtime(here(tmp_path, mark, slow), on_fault=told.append) as runtime:
        # Ten times as long is no noise; the slow unit takes far more than that.
        app = await runtime.deploy(plan, name="vad", model=model, replan_beyond=10.0)
        for _ in range(30):
            right(await app(inputs))
        assert app.plan is plan
        mark.touch()
        async with asyncio.timeout(60):
            while app.plan is plan:
                for outputs in await asyncio.gather(*(app(inputs) for _ in range(4))):
                    right(outputs)
        result = await app.request(inputs)
    right(result.outputs)
    assert slow not in {stage.unit for stage in result.stages}
    assert slow not in {part.unit for part in app.plan.subgraphs}
    assert app.tally.completed == app.tally.requests
    (event,) = [event for event in told if event.kind == "plan-replaced"]
    assert event.reason.startswith(f"stages on {slow} take ")
