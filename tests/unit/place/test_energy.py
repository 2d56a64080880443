"""Least energy: against brute force, and its refusals."""

import random
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hetsched.errors import PlacementError
from hetsched.place.cpsat.energy import solve_energy
from hetsched.place.evaluate import score
from hetsched.place.limits import Limits
from hetsched.place.problem import Problem
from hetsched.place.solve import place
from hetsched.place.validate import validate
from hetsched.testing import make_problem, random_problem
from tests.unit.place.brute import brute_force


def exactly() -> Limits:
    return Limits(gap=0.0, work=100.0, limit_s=60.0, deadline=time.monotonic() + 60, seed=0)


def small(seed: int) -> Problem:
    rng = random.Random(seed)
    return random_problem(
        seed,
        groups=rng.randint(1, 6),
        units=rng.randint(1, 3),
        branching=rng.choice([0.0, 0.4, 1.0]),
        dispatch_ns=rng.choice([(1_000, 20_000), (20_000, 60_000)]),
        max_stages=rng.random() < 0.4,
        memory=rng.random() < 0.4,
    )


@given(seed=st.integers(0, 10**6))
def test_the_optimum_is_that_of_brute_force(seed: int) -> None:
    problem = small(seed)
    found = solve_energy(problem, None, exactly())
    assert found.schedule is not None
    validate(problem, found.schedule)
    assert score(problem, found.schedule, "energy") == brute_force(problem, "energy")
    assert found.bound == score(problem, found.schedule, "energy")


@given(seed=st.integers(0, 10**6))
def test_a_bound_from_little_work_is_still_a_bound(seed: int) -> None:
    problem = small(seed)
    hasty = Limits(gap=0.0, work=1e-4, limit_s=60.0, deadline=time.monotonic() + 60, seed=seed)
    best = brute_force(problem, "energy")
    assert best is not None
    assert solve_energy(problem, None, hasty).bound <= best


def test_a_hungry_unit_is_left_even_if_it_is_faster() -> None:
    problem = make_problem([[100, 50], [100, 50]], [(0, [1])], power_mw=[100, 900], copy_ns=1)
    found = place(problem, objective="energy", gap=0.0)
    assert [stage.unit for stage in found.schedule.stages] == [0]


def test_unknown_power_is_refused_by_name() -> None:
    problem = make_problem([[1, 1]], [], power_mw=[100, None])
    with pytest.raises(PlacementError, match="energy: the power of unit 'u1' isn't known"):
        place(problem, objective="energy")
    unused = make_problem([[1, None]], [], power_mw=[100, None])
    assert place(unused, objective="energy").status == "optimal"
