"""Plans settled by measuring their subgraphs whole: what is learnt, and which plan comes out."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from hetsched.cost.bands import Band
from hetsched.cost.host import Cluster, Core
from hetsched.cost.host_profile import host_profile
from hetsched.cost.measured import Host
from hetsched.cost.store import CostStore
from hetsched.cost.store_records import DISPATCH, HAND_OFF, Measurement
from hetsched.cost.table import Cost, CostTable, Group
from hetsched.ir.load import load
from hetsched.ir.model import Model
from hetsched.plan import settle
from hetsched.plan.build import Outcome, Request, make
from hetsched.plan.model import Subgraph
from hetsched.quantity import Origin
from tests.unit.cli.models import write_model

OPS = ("conv", "relu", "sigmoid", "softmax")
REQUEST = Request(time_limit_s=1.0)


def fixed(kind: str, latency_ns: int) -> Measurement:
    return Measurement(
        kind=kind, digest="", measured_at="2026-01-02T03:04:05Z", origin=Origin.MEASURED,
        dtype="float32", runs=9, latency_ns=latency_ns, low_ns=latency_ns, high_ns=latency_ns,
    )  # fmt: skip


@pytest.fixture
def model(tmp_path: Path) -> Model:
    return load(write_model(tmp_path / "tiny.onnx", "Relu", "Sigmoid", "Softmax"))


@pytest.fixture
def here(tmp_path: Path) -> Host:
    """Two equal cores, 10 us a dispatch, 20 us a hand-off."""
    cores = tuple(Core(cpus=(cpu,), speed=1.0) for cpu in (0, 1))
    cluster = Cluster(cores=cores, facts={}, title="A core")
    dispatch = {core.unit: fixed(DISPATCH, 10_000) for core in cores}
    profile = host_profile([cluster], dispatch, fixed(HAND_OFF, 20_000), "onnxruntime 1")
    store = CostStore(tmp_path / "costs.sqlite")
    return Host(clusters=(cluster,), threads=1, store=store, profile=profile)


def costs() -> CostTable:
    """A group per op, 100 us each on either core."""
    each = Cost(
        latency_ns=100_000, low_ns=90_000, high_ns=120_000, origin=Origin.MEASURED, dtype="float32"
    )
    return CostTable(
        groups=tuple(Group(name=op, ops=(op,)) for op in OPS),
        costs={(op, unit): each for op in OPS for unit in ("cpu0", "cpu1")},
    )


def took(*latencies_ns: int) -> list[Band]:
    return [Band(latency_ns=ns, low_ns=ns, high_ns=2 * ns, runs=5) for ns in latencies_ns]


def in_stages(model: Model, here: Host, *units: int) -> Outcome:
    """One op after the other in a stage of its own, on these cores."""
    from hetsched.place.placement import Stage

    stages = [Stage(unit=unit, groups=(group,)) for group, unit in enumerate(units)]
    return make(model, here.profile, REQUEST, costs(), keep=stages)


def test_one_subgraph_scales_its_groups_to_what_it_took(model: Model, here: Host) -> None:
    outcome = make(model, here.profile, REQUEST, costs())
    (part,) = outcome.plan.subgraphs
    assert outcome.plan.latency_ns == 410_000  # 10 + 4 * 100 us
    profile, better = settle.learn(here, here.profile, costs(), [part], took(610_000))
    # 600 us beside the dispatch for groups that were 400: 150 us each, on both cores.
    assert profile == here.profile
    assert {cost.latency_ns for cost in better.costs.values()} == {150_000}
    # The band is that of the stage: from as long to twice as long.
    assert {(cost.low_ns, cost.high_ns) for cost in better.costs.values()} == {(150_000, 300_000)}


def test_what_cuts_cost_goes_to_the_dispatch(model: Model, here: Host) -> None:
    parts = in_stages(model, here, 0, 0, 0, 0).plan.subgraphs
    assert len(parts) == 4
    times = took(150_000, 160_000, 140_000, 190_000)
    profile, better = settle.learn(here, here.profile, costs(), parts, times)
    # Beyond 100 us of groups: 50, 60, 40 and 90; the median is 55.
    assert [unit.dispatch_ns for unit in profile.units] == [55_000, 55_000]
    assert profile.units[0].dispatch.origin is Origin.MEASURED
    found = [better.costs[op, "cpu1"].latency_ns for op in OPS]
    assert found == [95_000, 105_000, 85_000, 135_000]  # with 55 each: what was measured


def test_a_dispatch_never_gets_less_than_is_known(model: Model, here: Host) -> None:
    parts = in_stages(model, here, 0, 0, 0, 0).plan.subgraphs
    profile, better = settle.learn(here, here.profile, costs(), parts, took(*[90_000] * 4))
    assert profile == here.profile
    assert {cost.latency_ns for cost in better.costs.values()} == {80_000}


def test_a_plan_that_stays_is_predicted_as_measured(
    model: Model, here: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[int] = []

    def times(*args: object, **_: object) -> list[Band]:
        calls.append(1)
        return took(810_000)

    monkeypatch.setattr(settle, "stage_times", times)
    outcome = make(model, here.profile, REQUEST, costs())
    found = settle.settled(model, here, REQUEST, costs(), outcome)
    assert len(calls) == 1
    assert found.plan.latency_ns == 810_000
    assert found.notes[-1] == "every subgraph was measured whole, on this machine"


def test_the_best_measured_plan_is_taken(
    model: Model, here: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The first plan has four stages, which take far longer than their groups; then one is found,
    # which takes about what its groups do.
    def times(model: Model, here: Host, parts: Sequence[Subgraph], **_: object) -> list[Band]:
        return took(420_000) if len(parts) == 1 else took(*[400_000] * len(parts))

    monkeypatch.setattr(settle, "stage_times", times)
    start = in_stages(model, here, 0, 0, 0, 0)
    found = settle.settled(model, here, REQUEST, costs(), start)
    assert len(found.plan.subgraphs) == 1
    assert found.plan.latency_ns == 420_000
    # Four stages are known to cost 300 us more each: no baseline looks better than the plan.
    assert all(value is None or value >= 420_000 for value in found.plan.baselines.values())


def test_a_model_without_work_has_nothing_to_measure(model: Model, here: Host) -> None:
    outcome = make(model, here.profile, REQUEST, costs())
    import msgspec

    empty = replace(outcome, plan=msgspec.structs.replace(outcome.plan, subgraphs=()))
    assert settle.settled(model, here, REQUEST, costs(), empty) is empty
