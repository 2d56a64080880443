"""The native evaluator and annealing against the Python semantics."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hetsched import _core
from hetsched.place.evaluate import evaluate
from hetsched.place.latency_limits import keeps_limits
from hetsched.place.native import native_problem, to_rows, to_stages
from hetsched.place.placement import Stage
from hetsched.testing import make_problem, random_problem
from tests.unit.place.samples import random_stages


@given(st.integers(0, 10**6), st.integers(1, 30), st.integers(1, 5))
def test_native_times_are_those_of_evaluate(seed: int, groups: int, units: int) -> None:
    problem = random_problem(seed, groups, units)
    stages = random_stages(problem, seed)
    expected = evaluate(problem, stages)
    start, end, makespan = _core.timing(native_problem(problem), to_rows(expected))
    assert (tuple(start), tuple(end)) == (expected.start_ns, expected.end_ns)
    assert makespan == max(expected.end_ns)


def test_a_tensor_is_copied_once_per_unit() -> None:
    # g0 on u0: 5 dispatch + 10. g1, then g2, both on u1 in stages of their own, read its tensor.
    # g1: starts at 15, 5 + 7 copy + 20 = 47; g2: starts at 47, 5 + 30, the copy is there: 82.
    problem = make_problem([[10, None], [None, 20], [None, 30]], [(0, (1, 2))], copy_ns=7)
    start, end, makespan = _core.timing(native_problem(problem), [(0, [0]), (1, [1]), (1, [2])])
    assert (start, end, makespan) == ([0, 15, 47], [15, 47, 82], 82)


def test_outputs_exist_only_at_the_end_of_a_stage() -> None:
    # g0 and g1 in one stage on u0 end at 5 + 10 + 90 = 105; g2 on u1 needs only g0: starts then.
    problem = make_problem([[10, None], [90, None], [None, 1]], [(0, (2,))], copy_ns=2)
    _, end, _ = _core.timing(native_problem(problem), [(0, [0, 1]), (1, [2])])
    assert end == [105, 105 + 5 + 2 + 1]


@pytest.mark.parametrize(
    ("stages", "message"),
    [
        ([(0, [0])], "isn't in any stage"),
        ([(0, [0, 1]), (0, [1])], "placed twice"),
        ([(0, [0, 7])], "unknown or placed twice"),
        ([(1, [0]), (0, [1])], "can't run on unit 1"),
        ([(2, [0]), (0, [1])], "on no unit"),
        ([(0, [1]), (0, [0])], "before a group that it reads from"),
    ],
)
def test_invalid_stages_are_refused(stages: list[tuple[int, list[int]]], message: str) -> None:
    native = native_problem(make_problem([[10, None], [20, 20]], [(0, (1,))]))
    with pytest.raises(ValueError, match=message):
        _core.timing(native, stages)


def test_a_malformed_problem_is_refused() -> None:
    with pytest.raises(ValueError, match="groups x units"):
        _core.Problem(
            units=2, cost=[1, 2], edges=[], home=0, dispatch=[0, 0], max_stages=[-1, -1],
            weights=[], memory=[-1, -1],
        )  # fmt: skip
    with pytest.raises(ValueError, match="isn't a later group"):
        _core.Problem(
            units=1, cost=[1, 2], edges=[(1, [0], [0])], home=0, dispatch=[0], max_stages=[-1],
            weights=[0, 0], memory=[-1],
        )  # fmt: skip


@given(st.integers(0, 10**6), st.integers(1, 25), st.booleans())
def test_annealing_is_valid_repeatable_and_never_worse(
    seed: int, groups: int, limited: bool
) -> None:
    problem = random_problem(seed, groups, 3, max_stages=limited, memory=limited)
    native = native_problem(problem)
    start = [(0, list(range(groups)))]  # everything on home, which has no limits
    once = _core.anneal(native, start, seed=seed, iterations=500)
    again = _core.anneal(native, start, seed=seed, iterations=500)
    assert once == again
    rows, value, _ = once
    assert value <= _core.timing(native, start)[2]
    assert max(evaluate(problem, to_stages(rows)).end_ns) == value
    assert keeps_limits(problem, rows)


def test_annealing_finds_the_parallel_optimum() -> None:
    # Two independent groups of 100 on two units of dispatch 5: both end at 105, else 205.
    problem = make_problem([[100, 100], [100, 100]], [])
    rows, value, _ = _core.anneal(native_problem(problem), [(0, [0, 1])], seed=0, iterations=200)
    assert value == 105
    assert sorted(unit for unit, _ in rows) == [0, 1]


def test_limits_of_stages_and_memory_are_seen() -> None:
    problem = make_problem([[1, 1], [1, 1]], [], max_stages=[None, 1])
    assert keeps_limits(problem, [(1, [0, 1])])
    assert not keeps_limits(problem, [(1, [0]), (1, [1])])
    problem = replace(problem, memory_bytes=(None, 9), weights_bytes=((5, 5), (5, 5)))
    assert not keeps_limits(problem, [(1, [0, 1])])
    assert keeps_limits(problem, [(1, [0]), (0, [1])])


def test_stages_come_back_sorted() -> None:
    assert to_stages([(1, [2, 0])]) == [Stage(unit=1, groups=(0, 2))]
