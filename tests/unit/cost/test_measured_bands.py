"""Run times to costs: every expected number is derived by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hetsched.cost.bands import (
    Band,
    band,
    group_times,
    overhead_ns,
    relative_error,
    split_whole,
)


def test_a_band_is_the_median_and_the_middle_four_fifths() -> None:
    # 11 runs, 0 to 100: ranks of the 10th, 50th, 90th percentile are 1, 5, 9 of 0..10.
    runs = [50, 0, 10, 100, 20, 90, 30, 80, 40, 70, 60]
    assert band(runs) == Band(latency_ns=50, low_ns=10, high_ns=90, runs=11)


def test_a_single_run_has_no_spread() -> None:
    assert band([7]) == Band(latency_ns=7, low_ns=7, high_ns=7, runs=1)


def test_no_run_is_refused() -> None:
    with pytest.raises(ValueError, match="no runs"):
        band([])


def test_relative_error_of_sixteen_runs() -> None:
    # n = 16: half width in ranks 1.96 * 4 / 2 = 3.92; ranks int(8 - 3.92) = 4 and int(11.92) = 11.
    # Of 100..115 those are 104 and 111: half the difference is 3.5; the median is 107.5.
    assert relative_error(list(range(100, 116))) == pytest.approx(3.5 / 107.5)


def test_relative_error_of_five_runs_is_of_their_whole_range() -> None:
    # n = 5: half width in ranks 1.96 * 2.236 / 2 = 2.19: ranks int(0.31) = 0 and int(4.69) = 4.
    assert relative_error([140, 100, 120, 110, 130]) == pytest.approx(20 / 120)


def test_relative_error_of_too_few_runs_is_everything() -> None:
    assert relative_error([5, 5, 5, 5]) == 1.0
    assert relative_error([5, 5, 5, 5, 5]) == 0.0


def test_overhead_is_what_profiled_kernels_have_too_much_each() -> None:
    # Two groups of 2 and 1 kernels: 40 + 23 = 63, the plain run takes 51: 12 too much over 3.
    assert overhead_ns(np.array([40.0, 23.0]), np.array([2, 1]), 51) == 4.0


def test_overhead_is_no_more_than_the_smallest_kernels_take() -> None:
    # (1000 + 2 - 500) / 2 = 251 each, but one kernel takes 2 only: 2 + 5% of the way to 1000.
    assert overhead_ns(np.array([1000.0, 2.0]), np.array([1, 1]), 500) == pytest.approx(51.9)


def test_the_smallest_kernels_are_looked_for_kernel_by_kernel() -> None:
    # Group 0 has two kernels of 4 ns each, group 1 one of 100: 4 + 5% of the way to 100 is 8.8.
    assert overhead_ns(np.array([8.0, 100.0]), np.array([2, 1]), 0) == pytest.approx(8.8)


def test_overhead_is_no_less_than_the_profilers_tick() -> None:
    # Two kernels of 8000 ns, plain 30000: 7000 too little each, of which one tick counts.
    assert overhead_ns(np.array([8000.0, 8000.0]), np.array([1, 1]), 30_000) == -1000.0


def test_nothing_has_no_overhead() -> None:
    assert overhead_ns(np.zeros(2), np.zeros(2, dtype=np.int64), 5) == 0.0


def test_a_whole_is_split_without_a_remainder() -> None:
    # Running sums 1/3, 2/3, 1 of 100 round to 33, 67, 100.
    assert split_whole([1, 1, 1], 100) == (33, 34, 33)
    assert split_whole([3, -1, 1], 8) == (6, 0, 2)
    assert split_whole([0, 0], 10) == (5, 5)
    assert split_whole([], 10) == ()


@settings(derandomize=True, max_examples=200)
@given(
    weights=st.lists(st.floats(-10, 1e9, allow_nan=False), min_size=1, max_size=50),
    whole=st.integers(0, 10**12),
)
def test_shares_add_up_and_are_never_negative(weights: list[float], whole: int) -> None:
    shares = split_whole(weights, whole)
    assert sum(shares) == whole
    assert min(shares) >= 0


def test_kernels_become_groups_that_add_up_to_the_plain_time() -> None:
    # Groups 0 and 1 have kernels (0, 2) and (1); group 2 has none.
    # Per run, group 0: 40, 44, 48; group 1: 20, 22, 30. Typical (a quarter up from the lowest of
    # three, which is halfway to the middle one): 42 and 21, together 63.
    # Plain 57: overhead (63 - 57) / 3 = 2 per kernel.
    # Corrected: 42 - 2 * 2 = 38 and 21 - 2 = 19: together 57, so nothing is left to scale.
    kernels = np.array([[10, 20, 30], [12, 22, 32], [14, 30, 34]])
    times = group_times(kernels, [0, 1, 0], 3, 57)
    assert times.overhead_ns == 2.0
    assert times.scale == 1.0
    assert [group.latency_ns for group in times.groups] == [38, 19, 0]
    # 10th and 90th percentile of three runs: a fifth of the way from the outer to the middle one.
    # Group 1: 20.4 and 28.4 around 22, so 19 * 20.4 / 22 = 17.6 and 19 * 28.4 / 22 = 24.5.
    assert times.groups[1] == Band(latency_ns=19, low_ns=18, high_ns=25, runs=3)
    assert times.groups[2] == Band(latency_ns=0, low_ns=0, high_ns=0, runs=3)


def test_what_the_overhead_doesnt_explain_is_spread_in_proportion() -> None:
    # One run of 8000 and 4000 ns, plain 3000: (12000 - 3000) / 2 = 4500 each is more than the
    # smallest kernel's 4000 + 5% of 4000 = 4200, which is taken off instead: 3800 and 0 remain.
    times = group_times(np.array([[8000, 4000]]), [0, 1], 2, 3000)
    assert times.overhead_ns == pytest.approx(4200)
    assert [group.latency_ns for group in times.groups] == [3000, 0]
    assert times.scale == pytest.approx(3000 / 3800)


def test_a_graph_without_kernels_costs_its_plain_time() -> None:
    times = group_times(np.zeros((3, 0), dtype=np.int64), [], 2, 10)
    assert [group.latency_ns for group in times.groups] == [5, 5]
    assert times.scale == 1.0


def test_kernels_without_a_group_are_refused() -> None:
    with pytest.raises(ValueError, match="1 runs of 2 kernels for 1 group numbers"):
        group_times(np.array([[1, 2]]), [0], 1, 3)
