"""Each rule of the validator: one schedule that keeps it, one that breaks it; random damage."""

import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hetsched.errors import PlacementError
from hetsched.place.evaluate import evaluate, value
from hetsched.place.placement import Copy, Schedule, Stage
from hetsched.place.problem import Problem
from hetsched.place.stages import drained
from hetsched.place.validate import objective_value, validate
from hetsched.testing import make_problem, random_problem


def stage(unit: int, *groups: int) -> Stage:
    return Stage(unit=unit, groups=groups)


def diamond(**kwargs: object) -> Problem:
    """g0 -> g1 and g2 -> g3; u1 can't run g3."""
    return make_problem(
        [[10, 4], [20, 6], [30, 8], [40, None]],
        [(None, [0]), (0, [1, 2]), (1, [3]), (2, [3])],
        **kwargs,  # type: ignore[arg-type]  # forwarded as they are
    )


GOOD = [stage(0, 0), stage(1, 1), stage(0, 2), stage(0, 3)]


def good(problem: Problem) -> Schedule:
    return evaluate(problem, GOOD)


def test_a_valid_schedule_passes_with_its_objectives() -> None:
    problem = diamond()
    validate(problem, good(problem))
    for objective in ("latency", "throughput", "energy"):
        right = value(problem, good(problem), objective)
        validate(problem, good(problem), objective=objective, value=right)


def broken(problem: Problem, schedule: Schedule, story: str) -> None:
    with pytest.raises(PlacementError, match=story):
        validate(problem, schedule)


def with_stages(stages: list[Stage]) -> Schedule:
    """The good schedule's times and copies under other stages: only for rules checked before."""
    return replace(good(diamond()), stages=tuple(stages))


@pytest.mark.parametrize(
    ("stages", "story"),
    [
        ([stage(0, 0), stage(1, 1), stage(0, 2), stage(2, 3)], "shape: stage 3 is on unit 2 of 2"),
        ([stage(0, 0), stage(1, 1), stage(0, 2), stage(0)], "shape: stage 3 on 'u0' is empty"),
        ([stage(0, 0), stage(1, 1), stage(0, 2), stage(0, 4)], "shape: stage 3 has a group"),
        ([stage(0, 0), stage(1, 1), stage(0, 3, 2)], "shape: 3 stages, 4 starts, 4 ends"),
        ([stage(0, 0), stage(1, 2, 1), stage(0, 3), stage(0, 3)], "shape: stage 1 .* ascending"),
        ([stage(0, 0), stage(1, 1), stage(0, 2), stage(0, 2)], "coverage: group 'g2' is in stage"),
        ([stage(0, 0), stage(1, 0), stage(0, 2), stage(0, 3)], "coverage: group 'g0' is in stage"),
        ([stage(0, 0), stage(1, 1), stage(0, 2), stage(1, 3)], "support: stage 3 on 'u1' .* 'g3'"),
        ([stage(0, 2), stage(1, 1), stage(0, 0), stage(0, 3)], "order: stage [01] on 'u.' reads"),
    ],
)
def test_wrong_stages(stages: list[Stage], story: str) -> None:
    broken(diamond(), with_stages(stages), story)


def test_a_missing_group() -> None:
    schedule = good(diamond())
    short = replace(
        schedule, stages=tuple(GOOD[:3]), start_ns=schedule.start_ns[:3], end_ns=schedule.end_ns[:3]
    )
    broken(diamond(), short, "coverage: group 'g3' is in no stage")


def test_support_gives_the_refusal() -> None:
    problem = diamond(refusals={(3, 1): "no Softmax there"})
    wrong = with_stages([stage(0, 0), stage(1, 1), stage(0, 2), stage(1, 3)])
    broken(problem, wrong, "which that unit can't run: no Softmax there")


def test_stages_that_wait_for_each_other() -> None:
    wrong = with_stages([stage(0, 0, 3), stage(1, 1), stage(0, 2)])
    wrong = replace(wrong, start_ns=(0, 0, 0), end_ns=(0, 0, 0))
    broken(diamond(), wrong, "convexity: stage 0 on 'u0' and stage .* wait for each other")


def test_order_alone() -> None:
    """Unrelated stages may be listed either way; a reader before its maker may not."""
    problem = diamond()
    validate(problem, evaluate(problem, [stage(0, 0), stage(0, 2), stage(1, 1), stage(0, 3)]))
    broken(problem, with_stages([GOOD[0], GOOD[3], GOOD[1], GOOD[2]]), "order: stage 1 on 'u0'")


def copies(*changes: Copy) -> Schedule:
    return replace(good(diamond()), copies=changes)


IN = Copy(edge=1, source=0, target=1, stage=1, duration_ns=10)
BACK = Copy(edge=2, source=1, target=0, stage=3, duration_ns=10)


@pytest.mark.parametrize(
    ("given_copies", "story"),
    [
        ((IN,), "copies: stage 3 on 'u0' must bring 't2' to 'u0' in 10 ns"),
        ((IN, BACK, BACK), "copies: a tensor is copied twice"),
        ((IN, replace(BACK, duration_ns=9)), "copies: stage 3 on 'u0' must bring 't2'"),
        ((IN, replace(BACK, stage=2)), "copies: stage 3 on 'u0' must bring 't2'"),
        ((IN, BACK, replace(BACK, edge=3)), "copies: a copy that nothing needs"),
        ((BACK, IN), "copies: copies aren't listed by stage"),
    ],
)
def test_wrong_copies(given_copies: tuple[Copy, ...], story: str) -> None:
    validate(diamond(), copies(IN, BACK))
    broken(diamond(), copies(*given_copies), story)


def test_the_first_reader_pays() -> None:
    problem = diamond()
    both = evaluate(problem, [stage(0, 0), stage(1, 1), stage(1, 2), stage(0, 3)])
    validate(problem, both)
    assert both.copies[0] == IN
    later = replace(both, copies=(replace(IN, stage=2), *both.copies[1:]))
    broken(problem, later, "copies: stage 1 on 'u1' must bring 't1'")


# The good schedule: g0 0-15, g1 15-36 (5 + 10 + 6), g2 15-50, g3 50-105 (5 + copy 10 + 40).
def test_the_good_schedules_times() -> None:
    assert good(diamond()).start_ns == (0, 15, 15, 50)
    assert good(diamond()).end_ns == (15, 36, 50, 105)


@pytest.mark.parametrize(
    ("start_ns", "end_ns", "story"),
    [
        ((0, 15, 15, 50), (15, 36, 50, 104), "duration: stage 3 on 'u0' takes 55 ns, not 54"),
        ((0, 15, 14, 50), (15, 36, 49, 105), "overlap: stage 2 on 'u0' starts at 14 ns"),
        ((0, 14, 15, 50), (15, 35, 50, 105), "start: stage 1 on 'u1' starts at 14 ns"),
        ((0, 15, 15, 51), (15, 36, 50, 106), "start: stage 3 on 'u0' starts at 51 ns"),
        ((1, 16, 16, 51), (16, 37, 51, 106), "start: stage 0 on 'u0' starts at 1 ns"),
    ],
)
def test_wrong_times(start_ns: tuple[int, ...], end_ns: tuple[int, ...], story: str) -> None:
    broken(diamond(), replace(good(diamond()), start_ns=start_ns, end_ns=end_ns), story)


def test_max_stages() -> None:
    exactly = diamond(max_stages=[3, 1])
    validate(exactly, good(exactly))
    broken(diamond(max_stages=[2, 1]), good(exactly), "max-stages: 3 stages on 'u0', which takes 2")


def test_memory() -> None:
    weights = [[5, 1], [5, 2], [5, 3], [5, 4]]
    exactly = diamond(weights_bytes=weights, memory_bytes=[15, 2])
    validate(exactly, good(exactly))
    tight = diamond(weights_bytes=weights, memory_bytes=[14, 2])
    broken(tight, good(exactly), "memory: weights of 15 bytes on 'u0', which holds 14")


def test_objective() -> None:
    problem = diamond(power_mw=[1000, None])
    with pytest.raises(PlacementError, match="objective: latency is 105, not 104"):
        validate(problem, good(problem), objective="latency", value=104)
    with pytest.raises(PlacementError, match="objective: the power of unit 'u1' isn't known"):
        objective_value(problem, good(problem), "energy")
    with pytest.raises(PlacementError, match="objective: 'cost' is none of"):
        objective_value(problem, good(problem), "cost")


def random_schedule(problem: Problem, rng: random.Random) -> Schedule:
    unit_of = [rng.choice(problem.allowed(group)) for group in range(len(problem.groups))]
    return evaluate(problem, drained(problem, unit_of, rng.randrange(len(problem.units))))


@given(seed=st.integers(0, 10**6), groups=st.integers(1, 25), units=st.integers(1, 4))
def test_evaluate_and_validate_agree(seed: int, groups: int, units: int) -> None:
    problem = random_problem(seed, groups, units)
    schedule = random_schedule(problem, random.Random(seed))
    for objective in ("latency", "throughput", "energy"):
        right = value(problem, schedule, objective)
        validate(problem, schedule, objective=objective, value=right)


def damaged(schedule: Schedule, rng: random.Random) -> Schedule:
    """The schedule with one random change that no valid schedule survives."""
    index = rng.randrange(len(schedule.stages))
    kind = rng.choice(["start", "end", "drop", "twice", "copy", "shift"])
    if kind == "start":
        return replace(schedule, start_ns=_nudged(schedule.start_ns, index, rng))
    if kind == "end":
        return replace(schedule, end_ns=_nudged(schedule.end_ns, index, rng))
    if kind == "shift":
        by = rng.choice([-3, 4])
        starts, ends = list(schedule.start_ns), list(schedule.end_ns)
        starts[index] += by
        ends[index] += by
        return replace(schedule, start_ns=tuple(starts), end_ns=tuple(ends))
    stages = list(schedule.stages)
    if kind == "copy" and schedule.copies:
        gone = rng.randrange(len(schedule.copies))
        return replace(schedule, copies=schedule.copies[:gone] + schedule.copies[gone + 1 :])
    if kind == "drop":
        stages[index] = replace(stages[index], groups=stages[index].groups[1:])
    else:
        again = rng.choice(stages[index].groups)
        stages[index] = replace(stages[index], groups=(*stages[index].groups, again))
    return replace(schedule, stages=tuple(stages))


def _nudged(times: tuple[int, ...], index: int, rng: random.Random) -> tuple[int, ...]:
    return (*times[:index], times[index] + rng.choice([-7, -1, 1, 5]), *times[index + 1 :])


@given(seed=st.integers(0, 10**6), groups=st.integers(1, 25), units=st.integers(1, 4))
def test_damage_is_seen(seed: int, groups: int, units: int) -> None:
    rng = random.Random(seed)
    problem = random_problem(seed, groups, units)
    with pytest.raises(PlacementError):
        validate(problem, damaged(random_schedule(problem, rng), rng))
