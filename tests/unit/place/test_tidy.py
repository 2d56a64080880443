"""Fewer stages at no cost."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hetsched.place.evaluate import evaluate, score
from hetsched.place.limits import Limits
from hetsched.place.placement import Stage
from hetsched.place.problem import Problem
from hetsched.place.tidy import tidied
from hetsched.place.validate import validate
from hetsched.testing import make_problem, random_problem
from tests.unit.place.samples import random_stages

OBJECTIVES = ("latency", "throughput", "energy")


def limits(limit_s: float = 10.0) -> Limits:
    return Limits(gap=0.01, work=1.0, limit_s=limit_s, deadline=time.monotonic() + 60.0, seed=0)


@given(
    seed=st.integers(0, 10**6),
    groups=st.integers(1, 14),
    objective=st.sampled_from(OBJECTIVES),
)
def test_valid_no_worse_and_not_more_stages(seed: int, groups: int, objective: str) -> None:
    problem = random_problem(seed, groups, 3)
    before = evaluate(problem, random_stages(problem, seed))
    after = tidied(problem, before, objective, limits())
    validate(problem, after)
    assert len(after.stages) <= len(before.stages)
    assert score(problem, after, objective) <= score(problem, before, objective)
    assert after == tidied(problem, before, objective, limits())


def there_and_back() -> Problem:
    """A chain of three groups of 10 ns at home, 30 elsewhere; a dispatch is 5, a copy 1."""
    return make_problem([[10, 30]] * 3, [(0, [1]), (1, [2])], dispatch_ns=5, copy_ns=1)


def test_stages_that_gain_nothing_are_dissolved() -> None:
    """5 + 10 at home, 5 + 1 + 30 on u1, 5 + 1 + 10 at home: 67. All in one at home: 5 + 30."""
    problem = there_and_back()
    split = evaluate(problem, [Stage(unit=group % 2, groups=(group,)) for group in range(3)])
    assert score(problem, split, "latency") == 67
    after = tidied(problem, split, "latency", limits())
    assert [(stage.unit, stage.groups) for stage in after.stages] == [(0, (0, 1, 2))]
    assert score(problem, after, "latency") == 35


def test_a_stage_that_pays_stays() -> None:
    """Two chains on two units at once: one unit alone would take twice the time."""
    problem = make_problem([[100, 100], [100, 100]], [], copy_ns=1, dispatch_ns=5)
    both = evaluate(problem, [Stage(unit=0, groups=(0,)), Stage(unit=1, groups=(1,))])
    assert tidied(problem, both, "latency", limits()) == both


@pytest.mark.parametrize("limit_s", [0.0, 1e-9])
def test_without_work_left_nothing_changes(limit_s: float) -> None:
    problem = there_and_back()
    stages = [Stage(unit=0, groups=(group,)) for group in range(3)]
    before = evaluate(problem, stages)
    assert tidied(problem, before, "latency", limits(limit_s)) == before


def test_limits_are_kept() -> None:
    """u1 may hold one group only: the other stays where it is though u1 would be quicker."""
    problem = make_problem(
        [[50, 5], [50, 5]],
        [(0, [1])],
        weights_bytes=[[1, 1]] * 2,
        memory_bytes=[None, 1],
        copy_ns=1,
    )
    before = evaluate(problem, [Stage(unit=1, groups=(0,)), Stage(unit=0, groups=(1,))])
    after = tidied(problem, before, "latency", limits())
    validate(problem, after)
    assert sum(len(stage.groups) for stage in after.stages if stage.unit == 1) <= 1
