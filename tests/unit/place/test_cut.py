"""Cutting long stages, and what stages would cost elsewhere."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hetsched.errors import PlacementError
from hetsched.place.alternatives import alternatives
from hetsched.place.baselines import baselines
from hetsched.place.cut import cut_long_stages
from hetsched.place.evaluate import evaluate
from hetsched.place.placement import Schedule, Stage
from hetsched.place.problem import Problem
from hetsched.place.validate import validate
from hetsched.testing import make_problem, random_problem


def chain(costs: list[int], sizes: list[int], cap: int | None = None) -> tuple[Problem, Schedule]:
    """One unit, dispatch 5, one stage; tensor i of `sizes[i]` bytes between groups i and i + 1."""
    links = [(group, [group + 1]) for group in range(len(costs) - 1)]
    problem = make_problem([[cost] for cost in costs], links, copy_ns=sizes, max_stages=[cap])
    return problem, evaluate(problem, [Stage(unit=0, groups=tuple(range(len(costs))))])


def groups_of(schedule: Schedule) -> list[tuple[int, ...]]:
    return [stage.groups for stage in schedule.stages]


@pytest.mark.parametrize(
    ("limit", "sizes", "parts"),
    [
        (45, [9, 9, 9], [(0, 1, 2, 3)]),  # 5 + 40 fits
        (44, [9, 2, 9], [(0, 1), (2, 3)]),  # two parts, the cheap tensor
        (44, [2, 9, 9], [(0,), (1, 2, 3)]),  # the cheap one is elsewhere; 35 still fits
        (44, [9, 9, 9], [(0, 1), (2, 3)]),  # all cost the same: balanced
        (25, [2, 9, 2], [(0, 1), (2, 3)]),  # fewest parts come first: 2 and 2 would make three
        (15, [9, 9, 9], [(0,), (1,), (2,), (3,)]),
    ],
)
def test_cuts(limit: int, sizes: list[int], parts: list[tuple[int, ...]]) -> None:
    problem, schedule = chain([10, 10, 10, 10], sizes)
    found, overlong = cut_long_stages(problem, schedule, limit)
    validate(problem, found)
    assert groups_of(found) == parts
    assert overlong == []


def test_a_group_that_is_too_long_is_told() -> None:
    problem, schedule = chain([10, 50, 10], [1, 1])
    found, overlong = cut_long_stages(problem, schedule, 20)
    assert groups_of(found) == [(0,), (1,), (2,)]
    assert overlong == [1]


def test_copies_count_where_they_are_read_first() -> None:
    """5 + copy 10 + 10 is over 24, so the first group is too long there; alone at home it isn't."""
    problem = make_problem([[10, 10], [10, 10]], [(None, [0]), (0, [1])])
    away = evaluate(problem, [Stage(unit=1, groups=(0, 1))])
    assert cut_long_stages(problem, away, 24)[1] == [0]
    home = evaluate(problem, [Stage(unit=0, groups=(0, 1))])
    assert cut_long_stages(problem, home, 24)[1] == []


def test_a_tensor_that_spans_the_stage_crosses_every_cut() -> None:
    """g0's second tensor is read by g3: cutting before g1 costs 3 + 5, before g3 only 1 + 5."""
    problem = make_problem(
        [[10]] * 4, [(0, [1]), (0, [3]), (1, [2]), (2, [3])], copy_ns=[3, 5, 9, 1]
    )
    schedule = evaluate(problem, [Stage(unit=0, groups=(0, 1, 2, 3))])
    assert groups_of(cut_long_stages(problem, schedule, 40)[0]) == [(0, 1, 2), (3,)]


def test_a_cap_that_is_too_low_is_refused() -> None:
    problem, schedule = chain([10, 10, 10], [1, 1], cap=2)
    assert len(cut_long_stages(problem, schedule, 25)[0].stages) == 2
    with pytest.raises(PlacementError, match=r"at most 15.00 ns need 3 subgraphs on 'u0', .* 2"):
        cut_long_stages(problem, schedule, 15)


@given(
    seed=st.integers(0, 10**6),
    groups=st.integers(1, 40),
    units=st.integers(1, 4),
    limit=st.integers(20_000, 400_000),
)
def test_cut_schedules_are_valid_and_short(seed: int, groups: int, units: int, limit: int) -> None:
    problem = random_problem(seed, groups, units)
    for schedule in baselines(problem).values():
        if schedule is None:
            continue
        found, overlong = cut_long_stages(problem, schedule, limit)
        validate(problem, found)
        for stage, start, end in zip(found.stages, found.start_ns, found.end_ns, strict=True):
            if end - start > limit:
                assert len(stage.groups) == 1
                assert stage.groups[0] in overlong


def test_alternatives_list_units_that_run_a_stage_whole() -> None:
    problem = make_problem(
        [[10, 7, 8, None], [10, 7, None, 1]], [(None, [0]), (0, [1])], dispatch_ns=[5, 1, 2, 3]
    )
    one = evaluate(problem, [Stage(unit=0, groups=(0, 1))])
    # u1: dispatch 1 + the input's copy 10 + 14; u2 can't run g1, u3 can't run g0
    assert alternatives(problem, one) == [[(1, 25)]]
    two = evaluate(problem, [Stage(unit=0, groups=(0,)), Stage(unit=1, groups=(1,))])
    # g0: u1 1 + 10 + 7 = 18, u2 2 + 10 + 8 = 20; g1: u3 3 + 10 + 1 = 14, u0 5 + 10 (t1 is there)
    assert alternatives(problem, two) == [[(1, 18), (2, 20)], [(3, 14), (0, 15)]]


def test_what_an_earlier_stage_brought_is_there() -> None:
    problem = make_problem([[10, None], [None, 7], [10, 7]], [(0, [1, 2])], dispatch_ns=0)
    schedule = evaluate(
        problem,
        [Stage(unit=0, groups=(0,)), Stage(unit=1, groups=(1,)), Stage(unit=0, groups=(2,))],
    )
    assert alternatives(problem, schedule)[2] == [(1, 7)]
