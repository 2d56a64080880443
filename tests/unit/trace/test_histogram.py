"""Histograms: quantiles within the stated error, adding up, taking apart."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hetsched.trace.histogram import (
    ERROR,
    Distribution,
    Histogram,
    bucket_of,
    distribution,
    middle_ns,
)

DURATIONS = st.lists(st.integers(0, 2**62), max_size=60)


@given(DURATIONS.filter(bool), st.floats(0, 1))
def test_a_quantile_is_within_the_error_of_the_value_of_its_rank(
    values: list[int], share: float
) -> None:
    rank = max(1, math.ceil(share * len(values) - 1e-9))
    exact = sorted(values)[rank - 1]
    found = distribution(values).quantile_ns(share)
    assert found is not None
    assert abs(found - exact) <= ERROR * exact


@given(st.integers(0, 2**62))
def test_a_bucket_holds_its_middle_and_values_go_up_with_buckets(value: int) -> None:
    bucket = bucket_of(value)
    assert bucket_of(middle_ns(bucket)) == bucket
    assert bucket_of(value + 1) - bucket in (0, 1)


def test_small_values_are_exact() -> None:
    assert [middle_ns(bucket_of(value)) for value in range(128)] == list(range(128))
    # 128 and 129 share a bucket of width 2, whose middle is 129.
    assert middle_ns(bucket_of(128)) == middle_ns(bucket_of(129)) == 129


@given(DURATIONS, DURATIONS)
def test_adding_up_is_taking_all_in_and_since_is_its_inverse(
    first: list[int], second: list[int]
) -> None:
    one, two = distribution(first), distribution(second)
    assert one + two == distribution(first + second)
    assert (one + two).since(one) == two
    assert one + Distribution() == one


def test_counts_and_mean() -> None:
    found = distribution([1, 2, 2, 5])
    assert found.buckets == ((1, 1), (2, 2), (5, 1))
    assert (found.count, found.total_ns, found.mean_ns) == (4, 10, 2)
    # Ranks 1, 2, 3 and 4 of 1, 2, 2, 5.
    assert [found.quantile_ns(share) for share in (0, 0.25, 0.5, 0.75, 0.76, 1)] == [
        1,
        1,
        2,
        2,
        5,
        5,
    ]


def test_a_share_times_a_count_is_not_rounded_up_by_its_last_bit() -> None:
    # 0.07 x 100 = 7.000000000000001 in floating point: rank 7 of 1, 2, .. 100.
    assert distribution(range(1, 101)).quantile_ns(0.07) == 7


def test_nothing_has_no_quantile() -> None:
    assert Histogram().state() == Distribution()
    assert Distribution().quantile_ns(0.5) is None
    assert Distribution().mean_ns is None


def test_a_clock_that_goes_back_counts_as_no_time() -> None:
    histogram = Histogram()
    histogram.add(-5)
    assert histogram.state().buckets == ((0, 1),)


@pytest.mark.parametrize("value", [0, 127, 128, 1000, 2**40 + 1])
def test_add_uses_the_same_buckets(value: int) -> None:
    histogram = Histogram()
    histogram.add(value)
    assert histogram.state().buckets == ((bucket_of(value), 1),)
