"""CP-SAT's answers for throughput and energy against brute force."""

import time
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hetsched.place.cpsat.energy import solve_energy
from hetsched.place.cpsat.search import Found
from hetsched.place.cpsat.throughput import solve_throughput
from hetsched.place.evaluate import score
from hetsched.place.limits import Limits
from hetsched.place.validate import validate
from tests.unit.place.brute import brute_force
from tests.unit.place.samples import small

both = pytest.mark.parametrize(
    ("objective", "solve"), [("throughput", solve_throughput), ("energy", solve_energy)]
)


def limits(work: float, seed: int = 0) -> Limits:
    return Limits(gap=0.0, work=work, limit_s=60.0, deadline=time.monotonic() + 60, seed=seed)


@both
@given(seed=st.integers(0, 10**6))
def test_the_optimum_is_that_of_brute_force(
    objective: str, solve: Callable[..., Found], seed: int
) -> None:
    problem = small(seed)
    found = solve(problem, None, limits(100.0))
    assert found.schedule is not None
    validate(problem, found.schedule)
    assert score(problem, found.schedule, objective) == brute_force(problem, objective)
    assert found.bound == score(problem, found.schedule, objective)


@both
@given(seed=st.integers(0, 10**6))
def test_a_bound_from_little_work_is_still_a_bound(
    objective: str, solve: Callable[..., Found], seed: int
) -> None:
    problem = small(seed)
    best = brute_force(problem, objective)
    assert best is not None
    assert solve(problem, None, limits(1e-4, seed)).bound <= best
