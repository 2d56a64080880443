"""Durations, sizes, energies and origins."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hetsched.errors import HetschedError
from hetsched.quantity import (
    Origin,
    format_bytes,
    format_ns,
    format_uj,
    parse_duration_ns,
    weakest,
)


@pytest.mark.parametrize(
    ("text", "ns"),
    [
        ("5ms", 5_000_000),
        ("1.5 s", 1_500_000_000),
        (" 10us ", 10_000),
        ("3µs", 3_000),
        ("2min", 120_000_000_000),
        (".5ns", 0),  # rounds half to even
        ("0ms", 0),
    ],
)
def test_durations_are_read(text: str, ns: int) -> None:
    assert parse_duration_ns(text) == ns


@pytest.mark.parametrize("text", ["5", "ms", "-5ms", "5 mins", "1e3ms", "nan s", "", "5 ms extra"])
def test_a_wrong_duration_names_itself_and_the_units(text: str) -> None:
    with pytest.raises(HetschedError, match=r"not a duration: .* ns, us, .* as '5ms'") as caught:
        parse_duration_ns(text)
    assert repr(text) in str(caught.value)


@pytest.mark.parametrize(
    ("ns", "text"),
    [
        (0, "0 ns"),
        (999, "999.0 ns"),
        (1_234_567, "1.235 ms"),
        (55_740_000, "55.74 ms"),
        (106_900_000, "106.9 ms"),
        (2_500_000_000, "2.500 s"),
    ],
)
def test_durations_are_written_with_four_digits(ns: int, text: str) -> None:
    assert format_ns(ns) == text


def test_sizes_and_energies_are_written() -> None:
    assert format_bytes(2**21) == "2.000 MiB"
    assert format_bytes(10) == "10.00 B"
    assert format_uj(12_345) == "12.35 mJ"
    assert format_uj(2_500_000) == "2.500 J"


@given(st.integers(min_value=1, max_value=10**15))
def test_what_is_written_can_be_read(ns: int) -> None:
    # Four significant digits: off by at most 0.05% of the value.
    assert parse_duration_ns(format_ns(ns)) == pytest.approx(ns, rel=5e-4)


def test_a_result_is_as_weak_as_its_weakest_input() -> None:
    assert weakest(Origin.MEASURED, Origin.ASSUMED, Origin.DATASHEET) is Origin.ASSUMED
    assert weakest(Origin.MEASURED) is Origin.MEASURED
    assert weakest(*Origin) is Origin.EMULATED


def test_the_weakest_of_nothing_is_an_error() -> None:
    with pytest.raises(ValueError, match="empty"):
        weakest()
