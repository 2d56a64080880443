"""Baselines, worked out by hand on small problems; valid on random ones."""

from hypothesis import given
from hypothesis import strategies as st

from hetsched.place.baselines import baselines, first_fit
from hetsched.place.heft import heft
from hetsched.place.placement import Schedule
from hetsched.place.validate import validate
from hetsched.testing import make_problem, random_problem


def parts(schedule: Schedule | None) -> list[tuple[int, tuple[int, ...]]]:
    assert schedule is not None
    return [(stage.unit, stage.groups) for stage in schedule.stages]


def test_cpu_is_the_best_cpu_or_home() -> None:
    costs, links = [[9, 5, 1], [9, 5, 1]], [(0, [1])]
    assert parts(baselines(make_problem(costs, links))["cpu"]) == [(0, (0, 1))]
    assert parts(baselines(make_problem(costs, links, cpus=[0, 1]))["cpu"]) == [(1, (0, 1))]
    assert parts(baselines(make_problem(costs, links))["best-single-unit"]) == [(2, (0, 1))]


def test_the_best_single_unit_depends_on_the_objective() -> None:
    problem = make_problem([[9, 5]], [], power_mw=[100, 900])
    assert parts(baselines(problem, "latency")["best-single-unit"]) == [(1, (0,))]
    assert parts(baselines(problem, "energy")["best-single-unit"]) == [(0, (0,))]


def test_no_single_unit_where_none_runs_everything() -> None:
    problem = make_problem([[1, None], [None, 1]], [(0, [1])])
    found = baselines(problem)
    assert found["cpu"] is None
    assert found["best-single-unit"] is None
    assert parts(found["first-fit"]) == [(0, (0,)), (1, (1,))]
    assert parts(found["heft"]) == [(0, (0,)), (1, (1,))]


def test_first_fit_takes_regions_even_where_that_costs() -> None:
    """u1 claims all it can though home alone would be faster: as the runtimes do."""
    costs: list[list[int | None]] = [[5, 90], [5, None], [5, 90], [5, 90]]
    problem = make_problem(costs, [(0, [1]), (1, [2]), (2, [3])], priority=[1, 0])
    assert parts(first_fit(problem)) == [(1, (0,)), (0, (1,)), (1, (2, 3))]


def test_first_fit_keeps_the_largest_regions_under_a_cap() -> None:
    costs: list[list[int | None]] = [[5, 1], [5, None], [5, 1], [5, 1]]
    links = [(0, [1]), (1, [2]), (2, [3])]
    problem = make_problem(costs, links, priority=[1, 0], max_stages=[None, 1])
    assert parts(first_fit(problem)) == [(0, (0, 1)), (1, (2, 3))]
    nothing = make_problem(costs, links, priority=[1, 0], max_stages=[None, 0])
    assert parts(first_fit(nothing)) == [(0, (0, 1, 2, 3))]


def test_first_fit_regions_are_convex() -> None:
    """g0 and g2 run on u1, but g1 between them doesn't: one region would wait for itself."""
    problem = make_problem([[5, 1], [5, None], [5, 1]], [(0, [1, 2]), (1, [2])], priority=[1, 0])
    assert parts(first_fit(problem)) == [(1, (0,)), (0, (1,)), (1, (2,))]


def test_first_fit_fails_where_memory_or_support_does() -> None:
    full = make_problem(
        [[1, 1]], [], priority=[1, 0], weights_bytes=[[9, 9]], memory_bytes=[None, 8]
    )
    assert first_fit(full) is None
    unsupported = make_problem([[1, 1], [None, None]], [(0, [1])])
    assert first_fit(unsupported) is None
    assert heft(unsupported) is None


def test_first_fit_without_an_order_asks_the_fastest_first_and_home_last() -> None:
    problem = make_problem([[1, 8, 6], [1, 8, None]], [(0, [1])])
    # u2 needs 6 + 8 (slowest for what it can't run), u1 needs 16, home is last
    assert parts(first_fit(problem)) == [(2, (0,)), (1, (1,))]


def test_heft_fills_gaps_and_puts_branches_on_both_units() -> None:
    """Fork: both branches of 50 run at the same time; the copy of 10 is worth it."""
    problem = make_problem(
        [[10, 30], [50, 50], [50, 50], [10, 30]], [(0, [1, 2]), (1, [3]), (2, [3])]
    )
    placed = heft(problem)
    assert placed is not None
    unit_of, order = placed
    assert unit_of[0] == unit_of[3] == 0
    assert {unit_of[1], unit_of[2]} == {0, 1}
    assert order[0] == 0
    assert order[-1] == 3


def test_heft_is_none_where_its_stages_break_a_cap() -> None:
    problem = make_problem(
        [[1, 50], [50, 1], [1, 50]], [(0, [1]), (1, [2])], copy_ns=0, max_stages=[1, 1]
    )
    assert baselines(problem)["heft"] is None


@given(
    seed=st.integers(0, 10**6),
    groups=st.integers(1, 40),
    units=st.integers(1, 4),
    limits=st.booleans(),
)
def test_every_baseline_is_valid(seed: int, groups: int, units: int, limits: bool) -> None:
    problem = random_problem(seed, groups, units, branching=0.8, max_stages=limits, memory=limits)
    for objective in ("latency", "throughput", "energy"):
        found = baselines(problem, objective)
        assert list(found) == ["cpu", "best-single-unit", "first-fit", "heft"]
        assert found["cpu"] is not None
        for schedule in found.values():
            if schedule is not None:
                validate(problem, schedule)
        assert found == baselines(problem, objective)
