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


def test_relative_error_of_too_few_runs_is_everything() -> None:
    assert relative_error([5, 5, 5, 5]) == 1.0
    assert relative_error([5, 5, 5, 5, 5]) == 0.0


def test_overhead_is_what_profiled_kernels_have_too_much_each() -> None:
    # Sums per run: 60, 66, 63; median 63; the plain run takes 51, so 12 too much over 3 kernels.
    kernels = np.array([[10, 20, 30], [12, 22, 32], [11, 21, 31]])
    assert overhead_ns(kernels, 51) == 4.0


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
    # Per run: group 0: 40, 44, 48 (median 44); group 1: 20, 22, 30 (median 22).
    # Sums 60, 66, 78, median 66; plain 60: overhead (66 - 60) / 3 = 2 per kernel.
    # Corrected: 44 - 2 * 2 = 40 and 22 - 2 = 20: together 60, so nothing is left to scale.
    kernels = np.array([[10, 20, 30], [12, 22, 32], [14, 30, 34]])
    times = group_times(kernels, [0, 1, 0], 3, 60)
    assert times.overhead_ns == 2.0
    assert times.scale == 1.0
    assert [group.latency_ns for group in times.groups] == [40, 20, 0]
    # 10th and 90th percentile of three runs: a fifth of the way from the outer to the middle one.
    # Group 1: 20.4 and 28.4 around 22, so 20 * 20.4 / 22 = 18.5 and 20 * 28.4 / 22 = 25.8.
    assert times.groups[1] == Band(latency_ns=20, low_ns=19, high_ns=26, runs=3)
    assert times.groups[2] == Band(latency_ns=0, low_ns=0, high_ns=0, runs=3)


def test_a_group_below_the_overhead_costs_nothing_and_the_rest_is_scaled() -> None:
    # Sum 102, plain 92: overhead 5 per kernel. Corrected 95 and max(2 - 5, 0) = 0; scale 92 / 95.
    times = group_times(np.array([[100, 2]]), [0, 1], 2, 92)
    assert [group.latency_ns for group in times.groups] == [92, 0]
    assert times.scale == pytest.approx(92 / 95)


def test_a_graph_without_kernels_costs_its_plain_time() -> None:
    times = group_times(np.zeros((3, 0), dtype=np.int64), [], 2, 10)
    assert [group.latency_ns for group in times.groups] == [5, 5]
    assert times.scale == 1.0


def test_kernels_without_a_group_are_refused() -> None:
    with pytest.raises(ValueError, match="1 runs of 2 kernels for 1 group numbers"):
        group_times(np.array([[1, 2]]), [0], 1, 3)
