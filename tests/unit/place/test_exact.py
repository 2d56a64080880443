"""Exact search and the bounds against brute force."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hetsched import _core
from hetsched.place.cpsat.latency import Arc, relax
from hetsched.place.evaluate import evaluate
from hetsched.place.native import native_problem, to_stages
from hetsched.place.problem import LATENCY, Problem
from hetsched.testing import make_problem, random_problem
from tests.unit.place.brute import brute_force
from tests.unit.place.samples import small_problems

_PLENTY = 10**6


@given(small_problems())
def test_exact_search_finds_the_optimum(problem: Problem) -> None:
    optimum = brute_force(problem, LATENCY)
    native = native_problem(problem)
    rows, value, bound, _ = _core.solve_exact(native, known=10**12, max_nodes=_PLENTY)
    assert value == bound == optimum
    assert max(evaluate(problem, to_stages(rows)).end_ns) == optimum


@given(small_problems(), st.integers(0, 20))
def test_exact_search_that_gives_up_still_bounds(problem: Problem, max_nodes: int) -> None:
    optimum = brute_force(problem, LATENCY)
    assert optimum is not None
    _, value, bound, _ = _core.solve_exact(
        native_problem(problem), known=optimum + 1, max_nodes=max_nodes
    )
    assert bound <= optimum <= value


@given(small_problems(most_groups=6))
@settings(max_examples=30)
def test_chains_of_blocks_reach_the_optimum(problem: Problem) -> None:
    rows, value, bound, _ = _core.solve_chain(
        native_problem(problem), seed=0, gap=0.0, max_nodes=_PLENTY, iterations=50
    )
    assert value == bound == brute_force(problem, LATENCY)
    assert max(evaluate(problem, to_stages(rows)).end_ns) == value


@given(st.integers(0, 10**6), st.integers(2, 16))
def test_chains_and_exact_search_agree(seed: int, groups: int) -> None:
    native = native_problem(random_problem(seed, groups, 3, branching=0.15))
    _, value, bound, _ = _core.solve_chain(
        native, seed=0, gap=0.0, max_nodes=_PLENTY, iterations=50
    )
    assert value == bound
    assert _core.solve_exact(native, known=value + 1, max_nodes=_PLENTY)[1:3] == (value, value)


@given(small_problems(), st.integers(0, 3))
def test_chains_that_give_up_still_bound(problem: Problem, max_nodes: int) -> None:
    optimum = brute_force(problem, LATENCY)
    assert optimum is not None
    _, value, bound, _ = _core.solve_chain(
        native_problem(problem), seed=0, gap=0.0, max_nodes=max_nodes, iterations=0
    )
    assert bound <= optimum <= value


@given(small_problems())
def test_simple_bounds_hold(problem: Problem) -> None:
    optimum = brute_force(problem, LATENCY)
    assert optimum is not None
    native = native_problem(problem)
    assert _core.path_bound(native) <= optimum
    assert _core.load_bound(native) <= optimum


@given(small_problems(limits=True))
@settings(max_examples=30)
def test_the_relaxation_bounds(problem: Problem) -> None:
    optimum = brute_force(problem, LATENCY)
    assert optimum is not None
    assert _relaxed(problem, [], optimum) <= optimum


@given(st.integers(0, 10**6))
@settings(max_examples=20)
def test_the_relaxation_of_a_chain_is_exact(seed: int) -> None:
    problem = random_problem(seed, 5, 3, branching=0.0)
    optimum = brute_force(problem, LATENCY)
    assert optimum is not None
    assert _relaxed(problem, [], optimum) == optimum


def _relaxed(problem: Problem, arcs: list[Arc], upper_ns: int) -> int:
    found = relax(
        problem, arcs, upper_ns=upper_ns, seed=0, deadline=time.monotonic() + 60, work_limit=10.0
    )
    return found.bound_ns


def test_an_arc_stands_for_its_inner_groups() -> None:
    # g0 -> {g1, g2} -> g3 on one unit: 5 + 10 + 40 + 10; the arc says 40 between g0 and g3.
    problem = make_problem([[10], [15], [25], [10]], [(0, (1, 2)), (1, (3,)), (2, (3,))])
    arc = Arc(source=0, sink=3, lower_ns={(0, 0): 40})
    assert _relaxed(problem, [arc], 1000) == 65
    assert _relaxed(problem, [Arc(source=None, sink=3, lower_ns={(0, 0): 55})], 1000) == 65
    assert _relaxed(problem, [Arc(source=0, sink=None, lower_ns={(0, 0): 50})], 1000) == 65
    assert _relaxed(problem, [Arc(source=None, sink=None, lower_ns={(0, 0): 60})], 1000) == 60


def test_path_bound_by_hand() -> None:
    # Cheapest path: g0 on u0 (5 + 10), g1 on u1 (5 dispatch + 3 copy + 20 < 40): 43.
    problem = make_problem([[10, 90], [40, 20]], [(0, (1,))], copy_ns=3)
    assert _core.path_bound(native_problem(problem)) == 43


def test_load_bound_by_hand() -> None:
    # Four independent groups of 100 on two equal units of dispatch 5: 205 each.
    problem = make_problem([[100, 100]] * 4, [])
    assert 200 <= _core.load_bound(native_problem(problem)) <= 205


def test_large_problems_are_refused() -> None:
    native = native_problem(make_problem([[1]] * 65, []))
    with pytest.raises(ValueError, match="64 groups"):
        _core.solve_exact(native, known=100, max_nodes=10)
