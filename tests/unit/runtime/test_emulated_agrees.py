"""An emulated run is paced to what a simulation of the same plan says."""

from dataclasses import replace
from pathlib import Path

import pytest

from hetsched.backends.base import StageSpec
from hetsched.backends.emulated_pace import Pace
from hetsched.ir.chain import chain_model
from hetsched.ir.model import Model
from hetsched.plan.build import Request, make
from hetsched.plan.model import Plan
from hetsched.runtime.emulated import _Soc
from hetsched.sim import Replay, simulate
from hetsched.sim.from_plan import from_plan, from_profile
from hetsched.soc.catalog import profile
from hetsched.soc.profile import Profile

LAYERS = """model,layer,type,N,K,C,Y,X,R,S,stride_y,stride_x
m,a,CONV,1,32,3,112,112,3,3,,
m,b,CONV,1,32,32,112,112,3,3,,
m,c,CONV,1,64,32,56,56,3,3,,
"""
START_NS = 5_000_000_000
"""So long all units have slept."""


@pytest.fixture
def model(tmp_path: Path) -> Model:
    (tmp_path / "layers.csv").write_text(LAYERS)
    return chain_model(str(tmp_path / "layers.csv"), "m", 0)


def alternating(model: Model, soc: Profile) -> Plan:
    """A plan that changes units after each layer, so that it copies and wakes."""
    ops = [op.name for op in model.graph.ops]
    units = ("cpu-big", "apu")
    pins = {op: units[index % 2] for index, op in enumerate(ops)}
    return make(model, soc, Request(pins=pins, time_limit_s=1.0)).plan


def paced_ns(plan: Plan, model: Model, soc: Profile) -> int:
    """When the last stage is over, each started when the one before it has ended."""
    emulated = _Soc(soc)
    emulated.learn(plan, model)
    pace, now = Pace(emulated.slowdowns), START_NS
    for part in plan.subgraphs:
        spec = StageSpec(id=part.id, ops=part.ops, outputs=part.outputs)
        stage = pace.start(now, emulated.expected(model, spec, part.unit))
        now += pace.left_ns(stage)
        pace.end(now, stage)
    return now - START_NS


def simulated_ns(plan: Plan, model: Model, soc: Profile) -> int:
    app = from_plan(plan, soc, model, alternatives=False)
    app = replace(app, arrivals=Replay(times_ns=(START_NS,)))
    result = simulate([app], from_profile(soc), duration_ns=2 * START_NS)
    assert result.apps[0].p50_ns is not None
    return result.apps[0].p50_ns


@pytest.mark.parametrize("name", ["helio-g90", "helio-g90t"])
def test_one_app_takes_as_long_emulated_as_simulated(model: Model, name: str) -> None:
    soc = profile(name)
    plan = alternating(model, soc)
    assert len(plan.subgraphs) > 2
    assert plan.transfers
    paced, simulated = paced_ns(plan, model, soc), simulated_ns(plan, model, soc)
    assert paced == pytest.approx(simulated, abs=2 * len(plan.subgraphs))  # each part is rounded
    assert paced > plan.latency_ns  # the plan's units are awake, these had to be woken
