"""Where a graph narrows to one group."""

from hypothesis import given
from hypothesis import strategies as st

from hetsched import _core
from hetsched.place.native import native_problem
from hetsched.place.problem import Problem
from hetsched.place.spans import closures, spans
from hetsched.testing import make_problem, random_problem


def _ones(groups: int, *links: tuple[int | None, tuple[int, ...]]) -> Problem:
    return make_problem([[1]] * groups, links)


def test_a_chain_is_all_clean() -> None:
    native = native_problem(_ones(3, (0, (1,)), (1, (2,))))
    assert _core.series_points(native) == [0, 1, 2]
    assert _core.clean_points(native) == [0, 1, 2]


def test_a_shortcut_past_a_series_point_makes_it_unclean() -> None:
    # 0 -> 1 -> 2 with 0's tensor also read by 2: all are ordered, but the tensor passes by 1.
    native = native_problem(_ones(3, (0, (1, 2)), (1, (2,))))
    assert _core.series_points(native) == [0, 1, 2]
    assert _core.clean_points(native) == [0, 2]


def test_branches_are_not_series() -> None:
    # A diamond 0 -> {1, 2} -> 3.
    native = native_problem(_ones(4, (0, (1, 2)), (1, (3,)), (2, (3,))))
    assert _core.series_points(native) == [0, 3]


def test_an_input_read_on_both_sides_makes_a_point_unclean() -> None:
    native = native_problem(_ones(3, (None, (0, 2)), (0, (1,)), (1, (2,))))
    assert _core.clean_points(native) == [2]


def test_a_group_without_readers_is_parallel_to_all_later_ones() -> None:
    native = native_problem(_ones(3, (0, (1, 2))))
    assert _core.series_points(native) == [0]


@given(st.integers(0, 10**6), st.integers(1, 14), st.sampled_from([0.0, 0.2, 0.6, 1.0]))
def test_series_points_are_ordered_against_all(seed: int, groups: int, branching: float) -> None:
    problem = random_problem(seed, groups, 2, branching=branching)
    before, after = closures(problem)
    everything = (1 << groups) - 1
    expected = [g for g in range(groups) if before[g] | after[g] | 1 << g == everything]
    assert _core.series_points(native_problem(problem)) == expected


def test_spans_are_forks_with_their_joins() -> None:
    # 0 -> {1, 2} -> 3: one span, from 0 to 3, around 1 and 2.
    assert spans(_ones(4, (0, (1, 2)), (1, (3,)), (2, (3,)))) == [(0, 3, 0b0110)]
    # 0 -> {1, 2} and nothing joins them: up to the end.
    assert spans(_ones(3, (0, (1, 2)))) == [(0, None, 0b110)]
