"""Native bounds and searches for throughput and energy: bounds never pass the true optimum."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hetsched import _core
from hetsched.place.baselines import baselines
from hetsched.place.evaluate import evaluate, power_uw, score
from hetsched.place.native import native_problem, to_rows, to_stages
from hetsched.place.problem import Problem
from hetsched.place.stages import best_stages
from hetsched.place.validate import validate
from hetsched.testing import make_problem, random_problem
from tests.unit.place.brute import brute_force
from tests.unit.place.test_energy import small

NO_LIMIT = 2**60


def prices(problem: Problem) -> list[int]:
    return [power_uw(problem, unit) for unit in range(len(problem.units))]


@given(
    seed=st.integers(0, 10**6),
    rounds=st.integers(0, 20),
    resolution=st.integers(3, 400),
    width=st.integers(0, 4),
)
def test_prices_on_groups_bound_throughput(
    seed: int, rounds: int, resolution: int, width: int
) -> None:
    problem = small(seed)
    best = brute_force(problem, "throughput")
    assert best is not None
    bound = _core.pack_bound(
        native_problem(problem),
        rounds=rounds,
        resolution=resolution,
        width=width,
        upper=NO_LIMIT,
        gap=0.0,
    )
    assert bound <= best


@given(
    seed=st.integers(0, 10**6),
    states=st.integers(1, 50),
    labels=st.integers(0, 30),
    grain=st.integers(1, 1000),
    whole=st.booleans(),
)
def test_balancing_bounds_throughput(
    seed: int, states: int, labels: int, grain: int, whole: bool
) -> None:
    problem = small(seed)
    best = brute_force(problem, "throughput")
    assert best is not None
    native = native_problem(problem)
    for upper in (NO_LIMIT, 2 * best, best):
        bound, found = _core.balance(
            native, states=states, labels=labels, grain=grain, whole=whole, upper=upper
        )
        assert 0 < bound <= best
        assert all(
            unit in problem.allowed(group) for row in found for group, unit in enumerate(row)
        )


@given(seed=st.integers(0, 10**6), groups=st.integers(1, 6), units=st.integers(1, 3))
def test_balancing_is_exact_on_chains(seed: int, groups: int, units: int) -> None:
    """Every state and label is kept, and labels only join when they are the same."""
    problem = random_problem(seed, groups, units, branching=0.0)
    best = brute_force(problem, "throughput")
    assert best is not None
    bound, found = _core.balance(
        native_problem(problem),
        states=10_000,
        labels=10_000,
        grain=2**40,
        whole=False,
        upper=best + 1,
    )
    assert bound == best
    reached = [best_stages(problem, row, "throughput") for row in found]
    assert best in [score(problem, each, "throughput") for each in reached if each is not None]


@given(seed=st.integers(0, 10**6), states=st.integers(1, 200))
def test_the_dynamic_program_bounds_energy(seed: int, states: int) -> None:
    problem = small(seed)
    best = brute_force(problem, "energy")
    assert best is not None
    native = native_problem(problem)
    for upper in (NO_LIMIT, best):
        bound, units = _core.frontier(native, price=prices(problem), upper=upper, states=states)
        assert 0 < bound <= best
        assert all(unit in problem.allowed(group) for group, unit in enumerate(units))


@given(seed=st.integers(0, 10**6), groups=st.integers(1, 6), units=st.integers(1, 3))
def test_the_dynamic_program_is_exact_on_chains(seed: int, groups: int, units: int) -> None:
    problem = random_problem(seed, groups, units, branching=0.0)
    bound, _ = _core.frontier(
        native_problem(problem), price=prices(problem), upper=NO_LIMIT, states=10_000
    )
    assert bound == brute_force(problem, "energy")


@given(seed=st.integers(0, 10**6), groups=st.integers(1, 30), smooth=st.booleans())
def test_annealing_gives_valid_stages_within_limits(seed: int, groups: int, smooth: bool) -> None:
    problem = random_problem(seed, groups, 3, max_stages=True, memory=True)
    start = baselines(problem, "throughput")["cpu"]
    assert start is not None
    native = native_problem(problem)
    for price in ([], prices(problem)):
        again = [
            _core.anneal_load(
                native, to_rows(start), price=price, seed=seed, iterations=500, smooth=smooth
            )
            for _ in range(2)
        ]
        assert again[0] == again[1]
        found = evaluate(problem, to_stages(again[0]))
        validate(problem, found)
        if price:
            assert score(problem, found, "energy") <= score(problem, start, "energy")


def test_more_live_tensors_than_told_apart_still_give_bounds() -> None:
    """16 groups feed one: 16 tensors are live at once, 15 are told apart.

    On home (dispatch 5, see `make_problem`) everything takes 5 + 17 = 22; no unit finishes half of
    the 17 groups in less than 8.
    """
    links = [(group, [16]) for group in range(16)]
    native = native_problem(make_problem([[1, 1]] * 17, links))
    energy, _ = _core.frontier(native, price=[1, 1], upper=NO_LIMIT, states=100)
    assert 17 <= energy <= 22
    bound, _ = _core.balance(native, states=100, labels=10, grain=10, whole=True, upper=NO_LIMIT)
    assert 8 <= bound <= 22
    packed = _core.pack_bound(native, rounds=3, resolution=100, width=4, upper=NO_LIMIT, gap=0.0)
    assert 0 < packed <= 22


def test_more_units_than_told_apart_give_no_bound() -> None:
    native = native_problem(make_problem([[1] * 9], []))
    assert _core.frontier(native, price=[1] * 9, upper=NO_LIMIT, states=100) == (0, [])
    assert _core.balance(native, states=100, labels=10, grain=10, whole=True, upper=NO_LIMIT) == (
        0,
        [],
    )


def test_wrong_arguments_are_refused() -> None:
    native = native_problem(make_problem([[1, 1]], []))
    with pytest.raises(ValueError, match="one price per unit"):
        _core.frontier(native, price=[1], upper=NO_LIMIT, states=10)
    with pytest.raises(ValueError, match="one price per unit"):
        _core.anneal_load(native, [(0, [0])], price=[1], seed=0, iterations=1)
    with pytest.raises(ValueError, match="states, grain and upper from 1"):
        _core.balance(native, states=0, labels=1, grain=1, whole=True, upper=1)
    with pytest.raises(ValueError, match="width from 0 to 12"):
        _core.pack_bound(native, rounds=1, resolution=1, width=13, upper=1, gap=0.0)
