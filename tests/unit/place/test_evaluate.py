"""Stage semantics, on schedules small enough to be worked out by hand."""

import pytest

from hetsched.errors import PlacementError
from hetsched.place.evaluate import busy_ns, evaluate, score, to_uj, value, within_limits
from hetsched.place.placement import Copy, Stage
from hetsched.testing import make_problem


def stage(unit: int, *groups: int) -> Stage:
    return Stage(unit=unit, groups=groups)


def test_one_stage_is_dispatch_copy_and_costs() -> None:
    problem = make_problem([[30, 7], [40, 8]], [(None, [0]), (0, [1])])
    found = evaluate(problem, [stage(1, 0, 1)])
    # dispatch 5 + the input's copy from home 10 + 7 + 8
    assert (found.start_ns, found.end_ns) == ((0,), (30,))
    assert found.copies == (Copy(edge=0, source=0, target=1, stage=0, duration_ns=10),)


def test_outputs_exist_only_at_a_stages_end() -> None:
    problem = make_problem([[20, None], [30, None], [None, 7]], [(0, [1, 2])])
    together = evaluate(problem, [stage(0, 0, 1), stage(1, 2)])
    # 5 + 20 + 30, then 5 + copy 10 + 7
    assert (together.start_ns, together.end_ns) == ((0, 55), (55, 77))
    apart = evaluate(problem, [stage(0, 0), stage(1, 2), stage(0, 1)])
    # 5 + 20; 25 + 5 + 10 + 7; 25 + 5 + 30
    assert (apart.start_ns, apart.end_ns) == ((0, 25, 25), (25, 47, 60))


def test_a_tensor_is_copied_once_per_unit_by_its_first_reader() -> None:
    problem = make_problem([[1, None, None], [None, 2, None], [None, 3, None], [None, None, 4]],
                           [(0, [1, 2, 3])])  # fmt: skip
    found = evaluate(problem, [stage(0, 0), stage(1, 2), stage(1, 1), stage(2, 3)])
    assert [(copy.stage, copy.target) for copy in found.copies] == [(1, 1), (3, 2)]
    # 6; 6 + 5 + 10 + 3; 24 + 5 + 2; 6 + 5 + 10 + 4
    assert found.end_ns == (6, 24, 31, 25)


def test_copies_come_from_the_maker_even_if_another_unit_has_it() -> None:
    problem = make_problem([[1, None, None], [None, 2, None], [None, None, 3]], [(0, [1, 2])])
    found = evaluate(problem, [stage(0, 0), stage(1, 1), stage(2, 2)])
    assert [copy.source for copy in found.copies] == [0, 0]


def test_a_stage_waits_for_its_unit() -> None:
    problem = make_problem([[10], [20]], [(None, [0, 1])])
    found = evaluate(problem, [stage(0, 1), stage(0, 0)])
    assert found.start_ns == (0, 25)


def test_objectives() -> None:
    problem = make_problem([[20, None], [None, 7]], [(0, [1])], power_mw=[2000, 0.5])
    found = evaluate(problem, [stage(0, 0), stage(1, 1)])
    assert busy_ns(problem, found) == [25, 22]
    assert score(problem, found, "latency") == 47
    assert score(problem, found, "throughput") == 25
    # 25 ns x 2 W = 50 nJ = 50_000_000 fJ, and 22 ns x 500 uW = 11_000 fJ
    assert score(problem, found, "energy") == 50_011_000
    assert value(problem, found, "energy") == 0  # 0.05 uJ


@pytest.mark.parametrize(
    ("femtojoules", "microjoules"), [(0, 0), (499_999_999, 0), (500_000_000, 1), (10**9, 1)]
)
def test_energy_is_rounded_to_the_nearest(femtojoules: int, microjoules: int) -> None:
    assert to_uj(femtojoules) == microjoules


def test_within_limits() -> None:
    problem = make_problem(
        [[1], [1]], [(0, [1])], max_stages=[1], weights_bytes=[[4], [5]], memory_bytes=[9]
    )
    assert within_limits(problem, [stage(0, 0, 1)])
    assert not within_limits(problem, [stage(0, 0), stage(0, 1)])
    tight = make_problem([[1], [1]], [(0, [1])], weights_bytes=[[4], [6]], memory_bytes=[9])
    assert not within_limits(tight, [stage(0, 0, 1)])


@pytest.mark.parametrize(
    ("stages", "story"),
    [
        ([stage(0, 0)], "coverage: group 'g1' is in no stage"),
        ([stage(0, 0, 1), stage(0, 1)], "coverage: group 'g1' is in stages 0 and 1"),
        ([stage(0, 0), stage(1, 1)], "support: unit 'u1' can't run group 'g1'"),
        ([stage(0, 1), stage(0, 0)], "order: stage 0 on 'u0' reads 't0'"),
    ],
)
def test_wrong_stages_are_refused(stages: list[Stage], story: str) -> None:
    problem = make_problem([[1, 1], [1, None]], [(0, [1])])
    with pytest.raises(PlacementError, match=story):
        evaluate(problem, stages)


def test_unknown_objective_and_unknown_power() -> None:
    problem = make_problem([[1]], [], power_mw=[None])
    found = evaluate(problem, [stage(0, 0)])
    with pytest.raises(PlacementError, match="power of unit 'u0' isn't known"):
        score(problem, found, "energy")
    with pytest.raises(PlacementError, match="unknown objective 'speed'"):
        score(problem, found, "speed")
