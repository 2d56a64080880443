"""The door: every objective, never worse than a baseline, repeatable, and clear refusals."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hetsched.errors import PlacementError
from hetsched.place.solve import place
from hetsched.place.validate import validate
from hetsched.testing import make_problem, random_problem

OBJECTIVES = ("latency", "throughput", "energy")


@given(
    seed=st.integers(0, 10**6),
    groups=st.integers(1, 12),
    units=st.integers(1, 4),
    objective=st.sampled_from(OBJECTIVES),
    limits=st.booleans(),
)
def test_valid_bounded_and_never_worse_than_a_baseline(
    seed: int, groups: int, units: int, objective: str, limits: bool
) -> None:
    problem = random_problem(seed, groups, units, max_stages=limits, memory=limits)
    found = place(problem, objective=objective, time_limit_s=5.0)
    validate(problem, found.schedule, objective=objective, value=found.value)
    assert found.bound <= found.value
    assert found.status == ("optimal" if found.gap <= 0.01 else "feasible")
    assert list(found.baselines) == ["cpu", "best-single-unit", "first-fit", "heft"]
    assert all(found.value <= other for other in found.baselines.values() if other is not None)


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_same_seed_same_placement(objective: str) -> None:
    problem = random_problem(7, 15, 3)
    one = place(problem, objective=objective, seed=3)
    two = place(problem, objective=objective, seed=3)
    assert replace(one, solve_s=0.0) == replace(two, solve_s=0.0)


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_a_problem_that_no_baseline_solves(objective: str) -> None:
    """g0 and g3 only run on u0, g1 only on u1, and each may run one stage of at most two groups."""
    problem = make_problem(
        [[5, None], [None, 5], [5, 5], [5, None]],
        [(0, [2]), (0, [3]), (None, [1])],
        max_stages=[1, 1],
        weights_bytes=[[1, 1]] * 4,
        memory_bytes=[2, 2],
        priority=[0, 1],
    )
    found = place(problem, objective=objective, gap=0.0)
    assert all(value is None for name, value in found.baselines.items() if name != "heft")
    assert {s.unit: s.groups for s in found.schedule.stages} == {0: (0, 3), 1: (1, 2)}


def test_infeasible_by_the_limits_together() -> None:
    """A zigzag needs two stages on u0."""
    problem = make_problem(
        [[1, None], [None, 1], [1, None]], [(0, [1]), (1, [2])], max_stages=[1, 1]
    )
    with pytest.raises(PlacementError, match="no placement keeps all limits together"):
        place(problem)


def test_infeasible_by_one_group() -> None:
    with pytest.raises(PlacementError, match="infeasible: no unit can run 'g0'"):
        place(make_problem([[None]], []))


@pytest.mark.parametrize(
    ("options", "story"),
    [
        ({"objective": "speed"}, "unknown objective 'speed': give latency, throughput, energy"),
        ({"gap": 1.0}, "gap 1.0 must be at least 0 and below 1"),
        ({"gap": -0.1}, "gap -0.1 must be at least 0"),
        ({"time_limit_s": 0}, "time limit 0 s must be above 0"),
    ],
)
def test_bad_options(options: dict[str, Any], story: str) -> None:
    with pytest.raises(PlacementError, match=story):
        place(make_problem([[1]], []), **options)


def test_a_single_group() -> None:
    found = place(make_problem([[7, 3]], [(None, [0])]))
    # home: 5 + 7; u1: 5 + 10 + 3
    assert (found.value, found.bound, found.status) == (12, 12, "optimal")
