"""Native bounds and searches for throughput and energy: bounds never pass the true optimum."""

from dataclasses import replace

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
from tests.unit.place.samples import small

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
    labels=st.integers(1, 30),
    grain=st.integers(1, 1000),
    whole=st.booleans(),
    late=st.booleans(),
)
def test_balancing_bounds_throughput(
    seed: int, states: int, labels: int, grain: int, whole: bool, late: bool
) -> None:
    """However little is kept, and also when it has no time at all."""
    problem = small(seed)
    best = brute_force(problem, "throughput")
    assert best is not None
    native = native_problem(problem)
    seconds = 0.0 if late else 1e9
    for upper in (NO_LIMIT, 2 * best, best):
        graph = _core.Balance(native, states=states, whole=whole, upper=upper, seconds=seconds)
        assert graph.fits
        assert 0 <= graph.bound <= best
        for below in (upper, min(upper, best)):
            bound, found = graph.search(labels=labels, grain=grain, upper=below, seconds=seconds)
            assert 0 <= bound <= best
            assert all(
                unit in problem.allowed(group) for row in found for group, unit in enumerate(row)
            )


@given(
    seed=st.integers(0, 10**6),
    groups=st.integers(1, 6),
    units=st.integers(1, 3),
    scale=st.sampled_from([1, 2**24]),
)
def test_balancing_is_exact_on_chains(seed: int, groups: int, units: int, scale: int) -> None:
    """Every state and label is kept, and labels only join when they are the same.

    Times too long for 32 bits are counted in steps: the bound may lose one step per group.
    """
    problem = scaled(random_problem(seed, groups, units, branching=0.0), scale)
    best = brute_force(problem, "throughput")
    assert best is not None
    graph = _core.Balance(native_problem(problem), states=10_000, whole=False, upper=best + 1)
    bound, found = graph.search(labels=10_000, grain=2**40, upper=best + 1)
    assert best - groups * max(1, best >> 29) * (scale > 1) <= bound <= best
    assert graph.complete
    reached = [best_stages(problem, row, "throughput") for row in found]
    assert best in [score(problem, each, "throughput") for each in reached if each is not None]


def scaled(problem: Problem, times: int) -> Problem:
    """The same problem with everything that takes time taking longer."""
    return replace(
        problem,
        cost_ns=tuple(tuple(None if c is None else c * times for c in r) for r in problem.cost_ns),
        dispatch_ns=tuple(each * times for each in problem.dispatch_ns),
        edges=tuple(
            replace(
                edge,
                transfer_ns=tuple(tuple(each * times for each in row) for row in edge.transfer_ns),
            )
            for edge in problem.edges
        ),
    )


@given(seed=st.integers(0, 10**6), states=st.integers(1, 200))
def test_the_dynamic_program_bounds_energy(seed: int, states: int) -> None:
    problem = small(seed)
    best = brute_force(problem, "energy")
    assert best is not None
    native = native_problem(problem)
    for upper in (NO_LIMIT, best):
        for seconds in (1e9, 0.0):
            bound, units = _core.frontier(
                native, price=prices(problem), upper=upper, states=states, seconds=seconds
            )
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
    graph = _core.Balance(native, states=100, whole=True, upper=NO_LIMIT)
    assert not graph.complete
    bound, _ = graph.search(labels=10, grain=10, upper=NO_LIMIT)
    assert 8 <= graph.bound <= bound <= 22
    packed = _core.pack_bound(native, rounds=3, resolution=100, width=4, upper=NO_LIMIT, gap=0.0)
    assert 0 < packed <= 22


def test_more_units_than_told_apart_give_no_bound() -> None:
    native = native_problem(make_problem([[1] * 9], []))
    assert _core.frontier(native, price=[1] * 9, upper=NO_LIMIT, states=100) == (0, [])
    graph = _core.Balance(native, states=100, whole=True, upper=NO_LIMIT)
    assert (graph.fits, graph.bound) == (False, 0)
    assert graph.search(labels=10, grain=10, upper=NO_LIMIT) == (0, [])


def test_wrong_arguments_are_refused() -> None:
    native = native_problem(make_problem([[1, 1]], []))
    with pytest.raises(ValueError, match="one price per unit"):
        _core.frontier(native, price=[1], upper=NO_LIMIT, states=10)
    with pytest.raises(ValueError, match="one price per unit"):
        _core.anneal_load(native, [(0, [0])], price=[1], seed=0, iterations=1)
    with pytest.raises(ValueError, match="states and upper from 1"):
        _core.Balance(native, states=0, whole=True, upper=1)
    graph = _core.Balance(native, states=1, whole=True, upper=1)
    with pytest.raises(ValueError, match="labels from 1 to 2"):
        graph.search(labels=0, grain=1, upper=1)
    with pytest.raises(ValueError, match="width from 0 to 12"):
        _core.pack_bound(native, rounds=1, resolution=1, width=13, upper=1, gap=0.0)
