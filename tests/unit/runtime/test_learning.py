"""What stages take, learnt: outliers aren't seen, what lasts is followed as stated."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hetsched.runtime.learning import DOUBT, FOLLOWS, KEPT, SHARE, Learned
from tests.unit.runtime.slow_learning import SlowLearned


class Average:
    """Of one place."""

    def __init__(self) -> None:
        self._learned = Learned(lambda *_: None)

    def add(self, took_ns: int) -> None:
        self._learned.add(0, 0, took_ns)

    @property
    def ns(self) -> int:
        return self._learned.places()[0, 0][0]

    @property
    def runs(self) -> int:
        return self._learned.places()[0, 0][1]

    @property
    def times(self) -> tuple[int, ...]:
        return self._learned.places()[0, 0][2]


def average_of(*times_ns: int) -> Average:
    average = Average()
    for each in times_ns:
        average.add(each)
    return average


def test_a_lasting_change_by_half_is_within_a_tenth_after_as_many_runs_as_stated() -> None:
    average = average_of(*[1_000_000] * 50)
    needed = 0
    while abs(average.ns - 1_500_000) > 150_000:
        average.add(1_500_000)
        needed += 1
    assert needed == FOLLOWS


@given(st.integers(0, 10**12), st.integers(3, 60), st.integers(1, 10**9), st.integers(1, 40))
def test_a_single_outlier_is_not_seen(outlier: int, before: int, usual: int, after: int) -> None:
    average = average_of(*[usual] * before, outlier, *[usual] * after)
    assert average.ns == usual


@given(st.lists(st.integers(0, 10**12), min_size=1, max_size=80))
def test_an_average_lies_among_its_times(times_ns: list[int]) -> None:
    average = average_of(*times_ns)
    assert min(times_ns) - SHARE <= average.ns <= max(times_ns)
    assert average.runs == len(times_ns)
    assert list(average.times) == times_ns[-KEPT:]


def test_the_first_runs_count_by_their_median() -> None:
    # Lower medians of 90; 90 10; 90 10 11; 90 10 11 12.
    assert [average_of(*[90, 10, 11, 12][:count]).ns for count in (1, 2, 3, 4)] == [90, 10, 11, 11]


def test_noise_of_a_tenth_stays_noise_of_a_tenth() -> None:
    average = average_of(*[900, 1000, 1100] * 40)
    assert 950 <= average.ns <= 1050


def test_the_dispatcher_is_told_of_the_first_time_and_of_what_moves_by_a_sixteenth() -> None:
    told: list[tuple[int, int, int]] = []
    learned = Learned(lambda stage, unit, ns: told.append((stage, unit, ns)))
    for _ in range(20):
        learned.add(2, 1, 1600)
    assert told == [(2, 1, 1600)]
    # 1600 x 17/16 = 1700 isn't more than a sixteenth; the average never gets above 1700.
    for _ in range(60):
        learned.add(2, 1, 1700)
    assert told == [(2, 1, 1600)]
    for _ in range(60):
        learned.add(2, 1, 3200)
    assert told[-1][2] == pytest.approx(3200, rel=1 / 16)
    assert learned.average_ns(2, 1) == pytest.approx(3200, rel=0.01)
    assert learned.average_ns(2, 0) is None


def test_requests_that_are_all_dropped_make_what_was_learnt_doubtful() -> None:
    told: list[int] = []
    learned = Learned(lambda *row: told.append(row[2]))
    learned.add(0, 0, 1600)
    for _ in range(2 * DOUBT):
        learned.dropped()
    assert told == [1600, 800, 400]
    learned.add(0, 0, 1000)  # the lower of 1600 and 1000 is the average of two
    assert told == [1600, 800, 400, 1000]
    for _ in range(DOUBT - 1):
        learned.dropped()
    learned.add(0, 0, 1000)
    learned.dropped()
    assert told == [1600, 800, 400, 1000]


def test_places_tell_average_runs_and_times() -> None:
    learned = Learned(lambda *_: None)
    for took_ns in (10, 30, 20):
        learned.add(0, 1, took_ns)
    assert learned.places() == {(0, 1): (20, 3, (10, 30, 20))}


@given(
    st.lists(
        st.one_of(
            st.tuples(st.integers(0, 2), st.integers(0, 2), st.integers(0, 10**13)),
            st.tuples(st.just(0), st.just(0), st.integers(900, 1100)),
            st.just(None),
        ),
        max_size=120,
    )
)
def test_learns_what_the_slow_reference_learns_and_tells_the_same(
    rows: list[tuple[int, int, int] | None],
) -> None:
    told: list[tuple[int, int, int]] = []
    expected: list[tuple[int, int, int]] = []
    native = Learned(lambda *row: told.append(row))
    slow = SlowLearned(lambda *row: expected.append(row))
    for row in rows:
        for learned in (native, slow):
            if row is None:
                learned.dropped()
            else:
                learned.add(*row)
    assert native.places() == slow.places()
    # When requests were dropped, in no order.
    assert sorted(told) == sorted(expected)
    assert native.average_ns(0, 0) == slow.average_ns(0, 0)
