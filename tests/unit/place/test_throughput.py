"""The least busy busiest unit, by hand, circles of stages included."""

from hetsched.place.solve import place
from hetsched.place.validate import validate
from hetsched.testing import make_problem


def test_stages_that_would_wait_for_each_other_are_counted() -> None:
    """g0 (u0) -> g1 (u1) and g2 (u1) -> g3 (u0), nothing else.

    {g0, g3} and {g1, g2} would take a dispatch each but wait for each other: one unit needs two.
    """
    problem = make_problem(
        [[1, None], [None, 1], [None, 1], [1, None]],
        [(None, [0, 2]), (0, [1]), (2, [3])],
        dispatch_ns=100,
    )
    found = place(problem, objective="throughput", gap=0.0)
    # u0 twice: 2 x 100 + 1 + 1 + the copy of g2's tensor 10
    assert found.value == found.bound == 212
    assert len(found.schedule.stages) == 3


def test_pipelining_uses_every_unit() -> None:
    problem = make_problem([[50, 50]] * 4, [(0, [1]), (1, [2]), (2, [3])], copy_ns=3)
    found = place(problem, objective="throughput", gap=0.0)
    # two groups each: 5 + 100, and the copy of 3 on one of them
    assert found.value == 108


def test_a_cap_and_memory_are_kept() -> None:
    problem = make_problem(
        [[50, 5]] * 4,
        [(0, [1]), (1, [2]), (2, [3])],
        max_stages=[None, 1],
        weights_bytes=[[1, 1]] * 4,
        memory_bytes=[None, 2],
    )
    found = place(problem, objective="throughput", gap=0.0)
    validate(problem, found.schedule)
    # two groups fit onto u1, the other two at home: 5 + 100 (+ 10 if u1's pair comes first)
    assert found.value == 105
