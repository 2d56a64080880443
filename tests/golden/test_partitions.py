"""The reference plans in partitions/: still valid, still worth what they say, still not beaten.

They are written by `make partitions`. Never compared byte for byte: another version of the solver
may find another placement that is as good.
"""

from functools import cache
from pathlib import Path

import pytest

from hetsched.convert.capability import refusals
from hetsched.cost.analytic import cost_table
from hetsched.cost.table import CostTable
from hetsched.data import data_dir
from hetsched.ir.load import load
from hetsched.ir.model import Model
from hetsched.place.problem import Problem
from hetsched.place.validate import objective_value, validate
from hetsched.plan.build import plan as make_plan
from hetsched.plan.files import check_model, check_profile, load_plan
from hetsched.plan.model import Plan
from hetsched.plan.problem import build_problem
from hetsched.plan.replay import replay
from hetsched.soc.catalog import profile
from hetsched.zoo.catalog import names

GOLDEN = sorted(
    path.relative_to(data_dir("partitions")) for path in data_dir("partitions").rglob("*.json")
)
QUICK = ("ppocr-cls", "squeezenet", "silero-vad")


@cache
def _loaded(name: str) -> tuple[Model, Problem, CostTable]:
    model = load(f"zoo:{name}")
    soc = profile("helio-g90")
    costs = cost_table(model.graph, soc, refusals(model.graph, soc))
    return model, build_problem(model.graph, soc, costs), costs


def _stored(path: Path) -> Plan:
    return load_plan(data_dir("partitions") / path)


def test_every_zoo_model_has_a_plan_for_helio_g90() -> None:
    assert {path.parts[0] for path in GOLDEN} == set(names())


@pytest.mark.parametrize("path", GOLDEN, ids=str)
def test_a_stored_plan_is_valid_and_worth_what_it_says(path: Path) -> None:
    stored = _stored(path)
    model, problem, costs = _loaded(path.parts[0])
    check_model(stored, model)
    check_profile(stored, profile(stored.profile.name))
    schedule = replay(stored, problem, costs)
    validate(problem, schedule)
    assert objective_value(problem, schedule, stored.objective.name) == stored.objective.value
    assert [part.start_ns for part in stored.subgraphs] == list(schedule.start_ns)
    assert [part.end_ns for part in stored.subgraphs] == list(schedule.end_ns)
    assert stored.objective.bound <= stored.objective.value
    reached = [value for value in stored.baselines.values() if value is not None]
    assert stored.objective.value <= min(reached)


def _fresh_plan_is_no_worse(path: Path) -> None:
    stored = _stored(path)
    model, _, _ = _loaded(path.parts[0])
    fresh = make_plan(model, profile(stored.profile.name), objective=stored.objective.name)
    assert fresh.objective.value <= stored.objective.value * (1 + max(stored.gap, 0.01))
    assert fresh.objective.value >= stored.objective.bound


@pytest.mark.parametrize("path", [path for path in GOLDEN if path.parts[0] in QUICK], ids=str)
def test_a_fresh_plan_is_no_worse_within_the_gap(path: Path) -> None:
    _fresh_plan_is_no_worse(path)


@pytest.mark.full
@pytest.mark.parametrize("path", [path for path in GOLDEN if path.parts[0] not in QUICK], ids=str)
def test_a_fresh_plan_is_no_worse_within_the_gap_for_all_models(path: Path) -> None:
    _fresh_plan_is_no_worse(path)
