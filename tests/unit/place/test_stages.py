"""Merging groups into stages: convex, deterministic, and no worse than the obvious ways."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hetsched.errors import PlacementError
from hetsched.place.evaluate import evaluate, score
from hetsched.place.placement import Stage
from hetsched.place.stages import best_stages, drained, eager, merge, ordered
from hetsched.place.validate import validate
from hetsched.testing import make_problem, random_problem


def parts(stages: list[Stage]) -> list[tuple[int, tuple[int, ...]]]:
    return [(stage.unit, stage.groups) for stage in stages]


FORK = make_problem([[10, 10], [40, 40], [90, 20]], [(0, [1, 2])])


def test_drained_merges_all_it_can() -> None:
    assert parts(drained(FORK, [0, 0, 1])) == [(0, (0, 1)), (1, (2,))]


def test_drained_starts_on_a_unit_that_can() -> None:
    wide = make_problem([[1, 1], [1, 1]], [(None, [0, 1])])
    assert parts(drained(wide, [0, 1], first=1)) == [(1, (1,)), (0, (0,))]
    assert parts(drained(FORK, [0, 0, 1], first=1)) == [(0, (0, 1)), (1, (2,))]


def test_eager_lets_results_out() -> None:
    assert parts(eager(FORK, [0, 0, 1], range(3))) == [(0, (0,)), (0, (1,)), (1, (2,))]


def test_best_stages_weighs_a_dispatch_against_waiting() -> None:
    # together: 55, then 5 + 10 + 20: 90; apart: 15, then u1 until 50 and u0 until 60
    found = best_stages(FORK, [0, 0, 1])
    assert found is not None
    assert max(found.end_ns) == 60
    busy = best_stages(FORK, [0, 0, 1], "throughput")
    assert busy is not None
    assert parts(list(busy.stages)) == [(0, (0, 1)), (1, (2,))]


def test_best_stages_is_none_where_no_staging_fits() -> None:
    zigzag = make_problem([[1, 1], [1, 1], [1, 1]], [(0, [1]), (1, [2])], max_stages=[1, 1])
    assert best_stages(zigzag, [0, 1, 0]) is None


def test_ordered_sorts_and_refuses_circles() -> None:
    chain = make_problem([[1, 1], [1, 1], [1, 1]], [(0, [1]), (1, [2])])
    stages = [Stage(unit=1, groups=(2,)), Stage(unit=0, groups=(0, 1))]
    assert ordered(chain, stages) == stages[::-1]
    with pytest.raises(PlacementError, match="convexity: stage 0 on 'u0'"):
        ordered(chain, [Stage(unit=0, groups=(0, 2)), Stage(unit=1, groups=(1,))])


def test_merge_never_makes_a_circle() -> None:
    chain = make_problem([[1, 1], [1, 1], [1, 1]], [(0, [1]), (1, [2])])
    stages = [Stage(unit=unit, groups=(group,)) for group, unit in enumerate((0, 1, 0))]
    assert merge(chain, stages) == stages


@given(
    seed=st.integers(0, 10**6),
    groups=st.integers(1, 30),
    units=st.integers(1, 4),
    objective=st.sampled_from(["latency", "throughput", "energy"]),
)
def test_any_assignment_gets_valid_stages(
    seed: int, groups: int, units: int, objective: str
) -> None:
    problem = random_problem(seed, groups, units, branching=0.8)
    rng = random.Random(seed)
    unit_of = [rng.choice(problem.allowed(group)) for group in range(groups)]
    found = best_stages(problem, unit_of, objective)
    assert found is not None
    validate(problem, found)
    placed = {group: stage.unit for stage in found.stages for group in stage.groups}
    assert [placed[group] for group in range(groups)] == unit_of
    tries = [drained(problem, unit_of, unit) for unit in sorted(set(unit_of))]
    if objective == "latency":
        tries.append(eager(problem, unit_of, range(groups)))
    for stages in tries:
        other = evaluate(problem, stages)
        validate(problem, other)
        assert score(problem, found, objective) <= score(problem, other, objective)
