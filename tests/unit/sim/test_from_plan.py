"""A plan's stages alone take as long, and as much energy, as the plan says."""

from dataclasses import replace

import msgspec
import pytest

from hetsched import profile
from hetsched.data import data_dir
from hetsched.errors import SimError
from hetsched.plan.files import load_plan
from hetsched.plan.model import Plan
from hetsched.sim import Closed, simulate
from hetsched.sim.from_plan import from_plan, from_profile

SOC = profile("helio-g90")


def plan_of(model: str) -> Plan:
    return load_plan(data_dir("partitions") / model / "helio-g90.latency.json")


@pytest.mark.parametrize("model", ["resnet50", "alexnet", "inception_v1", "ppocr-det", "ppocr-rec"])
def test_one_request_takes_what_the_plan_says(model: str) -> None:
    """Its energy is rounded once, the plan's too."""
    plan = plan_of(model)
    app = from_plan(plan, SOC, alternatives=False)
    soc = from_profile(SOC)
    soc = replace(soc, units=tuple(replace(unit, wake_ns=0) for unit in soc.units))
    once = replace(app, arrivals=Closed(think_ns=10**12))
    result = simulate([once], soc, policy="fifo", duration_ns=10**9)
    if model == "ppocr-det":  # the dispatcher keeps no unit idle for a stage that is planned next
        assert result.apps[0].max_ns == pytest.approx(plan.latency_ns, rel=0.01)
    else:
        assert result.apps[0].max_ns == plan.latency_ns
    assert plan.energy_uj is not None
    assert result.apps[0].energy_uj == pytest.approx(plan.energy_uj, abs=1 + len(plan.subgraphs))
    held = {k: v for k, v in result.peak_memory_bytes.items() if k and v}
    assert held == plan.peak_memory_bytes


def test_a_stage_is_dispatch_copies_and_computing() -> None:
    """Copies are the plan's: bytes over the link's bandwidth, the rest fixed."""
    plan = plan_of("alexnet")
    app = from_plan(plan, SOC)
    assert app.stage_names == tuple(part.id for part in plan.subgraphs)
    for index, part in enumerate(plan.subgraphs):
        work = app.work(index, 0)
        copies = [each for each in plan.transfers if each.subgraph == part.id]
        assert [use.nbytes for use in work.transfers] == [each.size_bytes for each in copies]
        assert work.dispatch_ns == SOC.unit(part.unit).dispatch_ns
        assert app.nodes[index].units[0][1] == part.end_ns - part.start_ns
        for use, copy in zip(work.transfers, copies, strict=True):
            shared = from_profile(SOC).links[use.link].shared_ns(use.nbytes)
            assert use.fixed_ns + shared == copy.duration_ns
    assert app.nodes[1].after == (0,)


def test_alternatives_are_those_of_the_plan() -> None:
    plan = plan_of("alexnet")
    names = [unit.name for unit in SOC.units]
    for node, part in zip(from_plan(plan, SOC).nodes, plan.subgraphs, strict=True):
        wanted = [(names.index(each.unit), each.cost_ns) for each in part.alternatives]
        assert list(node.units[1:]) == wanted
    fixed = from_plan(plan, SOC, alternatives=False)
    assert all(len(node.units) == 1 for node in fixed.nodes)


def test_a_profile_keeps_what_it_knows_and_no_more() -> None:
    soc = from_profile(SOC)
    assert soc.memory_bytes_per_s is None  # the pins' rate is known, the usable one isn't
    assert soc.thermal is None
    cpu, apu = soc.units[0], soc.units[3]
    assert [level.hz / 1e6 for level in cpu.levels] == pytest.approx([2002, 1670, 774])
    assert (cpu.power_mw, cpu.idle_mw, cpu.wake_ns) == (2482, None, 800_000)
    assert (apu.keep_ns, apu.wake_ns, apu.levels[12].power_mw) == (2_000_000_000, None, 138)
    assert from_profile(profile("rk3588")).memory_bytes_per_s == pytest.approx(29e9)


def test_a_unit_of_another_profile_is_refused() -> None:
    plan = plan_of("resnet50")
    part = msgspec.structs.replace(plan.subgraphs[0], unit="tpu")
    with pytest.raises(SimError, match="subgraph s0 is on unit 'tpu': helio-g90 has cpu-big"):
        from_plan(msgspec.structs.replace(plan, subgraphs=(part,)), SOC)
