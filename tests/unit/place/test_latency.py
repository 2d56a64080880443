"""Latency from the outside: valid, bounded, repeatable, never worse than its floor."""

from hypothesis import given, settings
from hypothesis import strategies as st

from hetsched.place.evaluate import evaluate
from hetsched.place.latency import LatencyResult, solve_latency
from hetsched.place.placement import Stage
from hetsched.place.problem import LATENCY, Problem
from hetsched.place.validate import objective_value, validate
from hetsched.testing import make_problem, random_problem
from tests.unit.place.brute import brute_force
from tests.unit.place.samples import small_problems


def _solve(problem: Problem, *, gap: float = 0.0, time_limit_s: float = 300.0) -> LatencyResult:
    """From everything on unit 0, which runs all and has no limits.

    The work is that of a second, the clock's limit far away: under a sanitizer work takes longer.
    """
    everything = Stage(unit=0, groups=tuple(range(len(problem.groups))))
    floor = evaluate(problem, [everything])
    found = solve_latency(
        problem, floor=floor, gap=gap, time_limit_s=time_limit_s, seed=0, budget_s=1.0
    )
    validate(problem, found.schedule)
    value = objective_value(problem, found.schedule, LATENCY)
    assert found.bound <= value <= max(floor.end_ns)
    return found


@given(small_problems())
def test_small_problems_are_solved_to_proof(problem: Problem) -> None:
    found = _solve(problem)
    assert max(found.schedule.end_ns) == found.bound == brute_force(problem, LATENCY)


@given(small_problems(limits=True))
@settings(max_examples=30)
def test_limits_are_kept_and_the_bound_holds(problem: Problem) -> None:
    optimum = brute_force(problem, LATENCY)
    found = _solve(problem)
    assert optimum is not None
    assert found.bound <= optimum <= max(found.schedule.end_ns)


@given(st.integers(0, 10**6), st.integers(10, 40), st.sampled_from([0.0, 0.3]))
@settings(max_examples=10)
def test_the_same_seed_gives_the_same_schedule(seed: int, groups: int, branching: float) -> None:
    problem = random_problem(seed, groups, 4, branching=branching)
    assert _solve(problem, gap=0.02) == _solve(problem, gap=0.02)


def test_the_budget_and_not_the_time_left_decides() -> None:
    problem = random_problem(5, 60, 4)
    everything = evaluate(problem, [Stage(unit=0, groups=tuple(range(60)))])
    answers = {
        solve_latency(
            problem, floor=everything, gap=0.01, time_limit_s=left, seed=0, budget_s=0.2
        ).schedule.stages
        for left in (60.0, 61.7)
    }
    assert len(answers) == 1


def test_no_time_gives_the_floor_or_better() -> None:
    _solve(random_problem(1, 60, 4), time_limit_s=0.001)


def test_the_gap_stops_the_search() -> None:
    # A floor within 50%: nothing to do but bound it.
    problem = make_problem([[10, 9], [10, 9]], [(0, (1,))])
    found = _solve(problem, gap=0.5)
    assert found.bound >= 0.5 * max(found.schedule.end_ns)


def test_a_diamond_uses_both_units() -> None:
    # g0 on u0 ends at 5 + 10 = 15. g1 on u1: 15 + 5 + 10 copy + 100 = 130; g2 on u0, its own stage
    # (else g0's output would wait): 15 + 5 + 100 = 120; g3 on u0: 130 + 5 + 10 + 10 = 155.
    problem = make_problem(
        [[10, None], [100, 100], [100, 100], [10, None]], [(0, (1, 2)), (1, (3,)), (2, (3,))]
    )
    found = _solve(problem)
    assert max(found.schedule.end_ns) == found.bound == 155
    assert found.method == "blocks"


def test_a_cap_of_no_stages_keeps_a_unit_out() -> None:
    problem = make_problem([[100, 10]], [], max_stages=[None, 0])
    found = _solve(problem)
    assert found.schedule.stages == (Stage(unit=0, groups=(0,)),)
