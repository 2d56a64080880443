"""Plans settled by simulation, Band's round robin, the largest load where missing doesn't rise."""

from pathlib import Path

import pytest

import hetsched
from hetsched.dispatch import POLICIES, StageNode
from hetsched.sim.blind import ROUND_ROBIN, unaware
from hetsched.sim.maxload import find_max_load
from hetsched.sim.model import SimApp, StageWork
from hetsched.sim.result import SimResult
from hetsched.sim.scenario import Scenario, prepare, run
from hetsched.sim.together import MOST, rivals_of, settled, starts_of
from hetsched.workload.files import load_workload

LAYERS = """model,layer,type,N,K,C,Y,X,R,S,stride_y,stride_x
m,a,CONV,1,64,32,128,128,3,3,,
m,b,CONV,1,64,64,128,128,3,3,,
"""
APP = """
[[apps]]
name = "{name}"
chain = {{ file = "layers.csv", model = "m" }}
rate = 60
deadline = "16ms"
"""


@pytest.fixture
def scenario(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Scenario:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "layers.csv").write_text(LAYERS)
    apps = "".join(APP.format(name=name) for name in ("one", "two", "three"))
    (tmp_path / "w.toml").write_text(f'name = "w"\nduration = "2s"\nimpossible = "run"\n{apps}')
    workload = load_workload(tmp_path / "w.toml")
    return prepare(workload, hetsched.profile("kirin-990"), choice="joint")


def lost(result: SimResult) -> int:
    return sum(app.missed + app.dropped + app.failed for app in result.apps)


@pytest.mark.parametrize("policy", POLICIES)
def test_settled_plans_are_never_worse_than_whole_models(scenario: Scenario, policy: str) -> None:
    best = lost(run(settled(scenario, policy=policy).ready, policy=policy))
    whole = prepare(scenario.workload, scenario.profile, choice="whole")
    assert best <= lost(run(whole.ready, policy=policy))
    assert all(best <= lost(run(each.ready, policy=policy)) for each in starts_of(scenario))


def test_what_was_settled_is_a_combination_of_the_candidates(scenario: Scenario) -> None:
    rivals = rivals_of(scenario)
    assert rivals is not None
    assert 1 <= len(rivals.starts) <= MOST
    found = settled(scenario)
    for app, planned, candidates in zip(found.ready.apps, found.planned, rivals.apps, strict=True):
        assert app in candidates
        assert planned.app.name == app.name


def test_what_has_one_plan_stays_what_it_is(scenario: Scenario) -> None:
    alone = prepare(scenario.workload, scenario.profile, choice="latency")
    assert rivals_of(alone) is None
    assert settled(alone) is alone
    assert starts_of(alone) == ()


def test_round_robin_sees_equal_units_and_stages_take_what_they_take() -> None:
    nodes = (StageNode(units=((0, 300), (1, 100)), after=()),)
    works = ((StageWork(), StageWork(time_ns=120)),)
    found = unaware(SimApp(name="a", nodes=nodes, works=works))
    assert found.nodes[0].units == ((0, 100), (1, 100))
    assert [work.time_ns for work in found.works[0]] == [300, 120]


def test_round_robin_takes_a_slow_unit_that_is_free(scenario: Scenario) -> None:
    alone = prepare(scenario.workload, scenario.profile, choice="band")
    result = run(alone.ready, policy=ROUND_ROBIN)
    assert result.policy == ROUND_ROBIN
    assert sum(unit.stages > 0 for unit in result.units) >= 2


def test_a_load_that_holds_above_one_that_does_not_is_not_the_largest() -> None:
    # Bisecting from 1 and 2 ends at 1.5; of the probes below it, at 0.75, 0.89, 1.06 and 1.26, one
    # lies in the hole from 0.8 to 1.
    def miss_rate(scale: float) -> float:
        return 0.0 if scale <= 0.8 or 1.0 <= scale <= 1.5 else 1.0

    found = find_max_load(miss_rate, tolerance=0.01)
    assert found.above is not None
    assert found.scale <= 0.8 < found.above <= found.scale * 1.01
