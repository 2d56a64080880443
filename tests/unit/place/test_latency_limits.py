"""Limits as prices."""

from hypothesis import given
from hypothesis import strategies as st

from hetsched.place.evaluate import evaluate
from hetsched.place.latency_limits import (
    Prices,
    changed,
    is_limited,
    keeps_limits,
    no_prices,
    priced,
)
from hetsched.place.native import to_rows
from hetsched.testing import make_problem, random_problem
from tests.unit.place.samples import random_stages


@given(st.integers(0, 10**6), st.integers(1, 12), st.integers(0, 50_000), st.integers(0, 500_000))
def test_nobody_pays_more_than_the_price(seed: int, groups: int, stage: int, memory: int) -> None:
    problem = random_problem(seed, groups, 3, max_stages=True, memory=True)
    schedule = evaluate(problem, random_stages(problem, seed))
    if not keeps_limits(problem, to_rows(schedule)):
        return
    prices = Prices(
        stage_ns=tuple(0 if cap is None else stage for cap in problem.max_stages),
        memory_ns=tuple(0 if limit is None else memory for limit in problem.memory_bytes),
    )
    paid = max(evaluate(priced(problem, prices), schedule.stages).end_ns)
    assert paid <= max(schedule.end_ns) + prices.total_ns(problem)


def test_prices_lengthen_dispatch_and_weights() -> None:
    # 30 of 60 bytes of memory at 100 ns for all of it: 50 ns; a dispatch of 5 + 7.
    problem = make_problem(
        [[10, 20]], [], weights_bytes=[[30, 30]], memory_bytes=[None, 60], max_stages=[None, 2]
    )
    found = priced(problem, Prices(stage_ns=(0, 7), memory_ns=(0, 100)))
    assert found.cost_ns == ((10, 70),)
    assert found.dispatch_ns == (5, 12)
    assert not is_limited(found)
    assert Prices(stage_ns=(0, 7), memory_ns=(0, 100)).total_ns(problem) == 2 * 7 + 100


def test_what_can_never_fit_is_ruled_out() -> None:
    problem = make_problem(
        [[10, 20, 30]], [], weights_bytes=[[30, 30, 30]], memory_bytes=[None, 29, None],
        max_stages=[None, None, 0],
    )  # fmt: skip
    assert priced(problem, no_prices(problem)).cost_ns == ((10, None, None),)


def test_prices_of_what_is_overused_go_up() -> None:
    # Unit 1 has 3 stages for a cap of 1, unit 0 has 1 for a cap of 2: excess 2 and -1, norm 5;
    # 50 ns are missing: steps of 20 and -10.
    problem = make_problem([[1, 1]] * 4, [], max_stages=[2, 1])
    rows = [(1, [0]), (0, [1]), (1, [2]), (1, [3])]
    free = no_prices(problem)
    assert changed(problem, free, rows, 50).stage_ns == (0, 20)
    dear = Prices(stage_ns=(30, 5), memory_ns=(0, 0))
    assert changed(problem, dear, rows, 50).stage_ns == (20, 25)
    assert changed(problem, dear, [(0, [0, 1]), (0, [2]), (1, [3])], 50) == dear
