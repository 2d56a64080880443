"""Plans for apps: made and kept, Band's subgraphs, whole models, what can't be served."""

from pathlib import Path

import msgspec
import pytest

import hetsched
from hetsched.errors import WorkloadError
from hetsched.ir.model import Model
from hetsched.plan.model import Plan
from hetsched.soc.profile import Profile
from hetsched.testing import make_problem
from hetsched.workload.files import load_workload
from hetsched.workload.fits import check_fits
from hetsched.workload.joint import best_together
from hetsched.workload.model import Workload
from hetsched.workload.others import band_plan, band_stages, whole_plans
from hetsched.workload.planning import Effort, Planned, kept_plan, plan_apps

LAYERS = """model,layer,type,N,K,C,Y,X,R,S,stride_y,stride_x
m,a,CONV,1,32,3,64,64,3,3,,
m,b,CONV,1,32,32,64,64,3,3,,
m,c,CONV,1,32,32,32,32,3,3,,
"""
WORKLOAD = """
name = "w"
[[apps]]
name = "one"
chain = { file = "layers.csv", model = "m" }
rate = 10
deadline = "DEADLINE"
[[apps]]
name = "two"
chain = { file = "layers.csv", model = "m" }
after = { app = "one" }
"""


@pytest.fixture
def profile() -> Profile:
    return hetsched.profile("helio-g90")


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def make(tmp_path: Path, deadline: str = "1s", more: str = "") -> Workload:
    (tmp_path / "layers.csv").write_text(LAYERS)
    path = tmp_path / "w.toml"
    path.write_text(more + WORKLOAD.replace("DEADLINE", deadline))
    return load_workload(path)


def test_plans_are_kept(tmp_path: Path, profile: Profile) -> None:
    planned = plan_apps(make(tmp_path), profile)
    assert planned[0].plan == planned[1].plan  # the same model: found in the cache
    kept = list((tmp_path / "cache" / "hetsched" / "plans").glob("*.json"))
    assert len(kept) == 1
    kept[0].write_text("half a pl")
    again = kept_plan(planned[0].model, profile, "latency", Effort())
    assert again.objective == planned[0].plan.objective  # a damaged one is made again


def test_a_deadline_that_no_plan_meets_says_by_how_much(tmp_path: Path, profile: Profile) -> None:
    workload = make(tmp_path, "10us")
    planned = plan_apps(workload, profile)
    bound = planned[0].plan.objective.bound
    with pytest.raises(WorkloadError, match=r"app 'one': deadline 10.00 us is \S+ \S+ too short"):
        check_fits(workload, profile, planned)
    allowed = make(tmp_path, "10us", 'impossible = "run"\n')
    told = check_fits(allowed, profile, planned)
    assert len(told) == 2  # the app, and the one whose requests carry its deadline
    assert f"no plan on {profile.name} takes less than" in told[0]
    assert "all of 'one' -> 'two' together" in told[1]
    # Exactly the bound can be met by one app; the cascade takes two of them.
    enough = make(tmp_path, f"{bound}ns", 'impossible = "run"\n')
    assert [line.split("'")[1] for line in check_fits(enough, profile, planned)] == ["two"]
    assert check_fits(make(tmp_path, f"{2 * bound}ns"), profile, planned) == ()


def model_of(tmp_path: Path) -> Model:
    return plan_apps(make(tmp_path), hetsched.profile("helio-g90"))[0].model


def test_band_merges_neighbours_with_equal_support() -> None:
    # g0 g1 run on both units, g2 only on u0, g3 g4 on both: three subgraphs. The fastest unit
    # of the first is u1 (10 + 10 < 20 + 20), of the last u0 (1 + 1 < 9 + 9).
    problem = make_problem(
        [[20, 10], [20, 10], [5, None], [1, 9], [1, 9]],
        [(None, (0,)), (0, (1,)), (1, (2,)), (2, (3,)), (3, (4,))],
    )
    stages = band_stages(problem)
    assert [stage.groups for stage in stages] == [(0, 1), (2,), (3, 4)]
    assert [stage.unit for stage in stages] == [1, 0, 0]


def test_whole_models_have_one_subgraph_and_nowhere_else_to_go(
    tmp_path: Path, profile: Profile
) -> None:
    model = model_of(tmp_path)
    plans = whole_plans(model, profile)
    assert "cpu-big" in plans
    for unit, plan in plans.items():
        assert [part.unit for part in plan.subgraphs] == [unit]
        assert plan.subgraphs[0].alternatives == ()
    best = kept_plan(model, profile, "latency", Effort())
    assert best.latency_ns <= min(plan.latency_ns for plan in plans.values())
    assert best.latency_ns <= band_plan(model, profile).latency_ns


def whole_on(planned: Planned, profile: Profile, unit: str, busy_ns: int) -> Plan:
    """A plan of one subgraph that takes so long."""
    plan = whole_plans(planned.model, profile)["cpu-big"]
    part = msgspec.structs.replace(plan.subgraphs[0], unit=unit, start_ns=0, end_ns=busy_ns)
    return msgspec.structs.replace(plan, subgraphs=(part,), latency_ns=busy_ns)


@pytest.mark.parametrize(
    ("deadline", "units"),
    [
        # Both on the faster unit load it 20%; one on each, at most 12%.
        ("1s", ["cpu-big", "gpu"]),
        # The second carries the first's deadline: 10 + 12 ms would be too late, 10 + 10 is not.
        ("21ms", ["cpu-big", "cpu-big"]),
    ],
)
def test_plans_that_go_together(
    tmp_path: Path, profile: Profile, deadline: str, units: list[str]
) -> None:
    workload = make(tmp_path, deadline)
    planned = plan_apps(workload, profile)
    options = [
        whole_on(planned[0], profile, "cpu-big", 10_000_000),
        whole_on(planned[0], profile, "gpu", 12_000_000),
    ]
    chosen = best_together(workload, planned, [options, options])
    assert sorted(each.plan.subgraphs[0].unit for each in chosen) == units


def test_unknown_choices_are_refused(tmp_path: Path, profile: Profile) -> None:
    with pytest.raises(WorkloadError, match="take one of latency, throughput, energy, joint"):
        plan_apps(make(tmp_path), profile, choice="best")
