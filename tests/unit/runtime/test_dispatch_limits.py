"""Deadlines, admission, bounded queues, alternatives, units that go down."""

import pytest

from hetsched.dispatch import Terms
from tests.unit.runtime.dispatching import (
    COMPLETED,
    DROPPED,
    FAILED,
    MISSED,
    Bench,
    chain,
    finish,
    stage,
    start,
    timer,
)

ONE = chain(0)
EITHER = (stage(((0, 10), (1, 30))),)
"""10 ns on unit 0, 30 ns on unit 1."""


def test_a_waiting_request_is_dropped_when_its_latest_start_has_passed() -> None:
    # Two stages of 10 ns must start by 50 - 20 = 30; at 31 it is too late.
    bench = Bench(chain(0, ns=100), chain(0, 0), terms=[Terms(), Terms(deadline_ns=50)])
    assert bench.submit(0) == [start(0, 0, 0)]
    assert bench.submit(1) == [timer(31)]
    assert bench.at(30).timer() == []
    assert bench.at(31).timer() == [finish(1, DROPPED)]
    assert bench.core.queued(0) == 0


def test_what_just_fits_is_run() -> None:
    bench = Bench(chain(0, ns=30), chain(0, 0), terms=[Terms(), Terms(deadline_ns=50)])
    bench.submit(0)
    bench.submit(1)
    assert bench.at(30).done(0, 0, 0)[:2] == [finish(0, COMPLETED), start(0, 1, 0)]
    assert bench.at(40).done(0, 1, 0)[0] == start(0, 1, 1)
    assert bench.at(50).done(0, 1, 1) == [finish(1, COMPLETED)]


def test_what_has_started_is_dropped_between_stages() -> None:
    # The first stage took 35 instead of 10: the second can't end by 40 any more.
    bench = Bench(chain(0, 0), terms=[Terms(deadline_ns=40)])
    assert bench.submit() == [start(0, 0, 0)]
    assert bench.at(35).done(0, 0, 0) == [finish(0, DROPPED)]


def test_the_last_stage_may_still_end_late() -> None:
    bench = Bench(ONE, terms=[Terms(deadline_ns=40)])
    bench.submit()
    assert bench.at(41).done(0, 0, 0) == [finish(0, MISSED)]


def test_any_event_drops_what_is_too_late() -> None:
    bench = Bench(chain(0, ns=100), ONE, terms=[Terms(), Terms(deadline_ns=50)])
    bench.submit(0)
    bench.submit(1)
    assert bench.at(60).submit(0) == [finish(1, DROPPED)]


def test_a_deadline_that_is_too_short_is_seen_at_once_when_late_ones_are_dropped() -> None:
    assert Bench(ONE, terms=[Terms(deadline_ns=9)]).submit() == [finish(0, DROPPED)]
    assert Bench(ONE, terms=[Terms(deadline_ns=10)]).submit() == [start(0, 0, 0)]
    assert Bench(ONE, terms=[Terms(deadline_ns=10)]).submit(deadline=9) == [finish(0, DROPPED)]
    late = Terms(deadline_ns=9, late="run")
    assert Bench(ONE, terms=[late]).submit() == [start(0, 0, 0)]
    own = Terms(deadline_ns=9, late="run", admission="own")
    assert Bench(ONE, terms=[own]).submit() == [finish(0, DROPPED)]


def test_backlog_admission_counts_what_would_be_served_before() -> None:
    # The unit is busy until 10 and has 20 ns of older work queued: the new one ends at 40.
    fits = Terms(deadline_ns=40, late="run", admission="backlog")
    short = Terms(deadline_ns=39, late="run", admission="backlog")
    bench = Bench(ONE, ONE, ONE, terms=[Terms(), fits, short])
    for _ in range(3):
        bench.submit(0)
    assert bench.submit(2) == [finish(3, DROPPED)]
    assert bench.submit(1) == []
    assert bench.submit(1) == [finish(5, DROPPED)]  # behind the one before: 50


def test_backlog_admission_goes_by_the_policys_order() -> None:
    # Under EDF the new request comes before the two that wait.
    terms = [Terms(deadline_ns=500), Terms(deadline_ns=20, late="run", admission="backlog")]
    bench = Bench(ONE, ONE, policy="edf", terms=terms)
    for _ in range(3):
        bench.submit(0)
    assert bench.submit(1) == []
    assert bench.submit(1) == [finish(4, DROPPED)]  # it would end at 30


def test_a_full_queue_rejects() -> None:
    bench = Bench(ONE, terms=[Terms(capacity=2)])
    bench.submit()
    assert [bench.submit() for _ in range(3)] == [[], [], [finish(3, DROPPED)]]
    assert bench.core.waiting(0) == 2


def test_a_full_queue_drops_the_oldest() -> None:
    bench = Bench(ONE, terms=[Terms(capacity=2, full="drop-oldest")])
    bench.submit()  # runs, so it doesn't wait
    assert [bench.submit() for _ in range(4)] == [
        [],
        [],
        [finish(1, DROPPED)],
        [finish(2, DROPPED)],
    ]


def test_a_full_queue_keeps_the_latest_only() -> None:
    bench = Bench(ONE, terms=[Terms(capacity=3, full="latest-only")])
    bench.submit()
    waiting = [bench.submit() for _ in range(4)]
    assert waiting == [[], [], [], [finish(n, DROPPED) for n in (1, 2, 3)]]
    assert bench.core.waiting(0) == 1


def test_what_has_started_counts_as_waiting_no_more() -> None:
    # Request 0 is between two stages; its second stage is queued, but it doesn't wait any more.
    bench = Bench(chain(0, 1), chain(1, ns=99), terms=[Terms(capacity=1)])
    bench.submit(1)
    bench.submit(0)
    assert bench.done(0, 1, 0) == []
    assert bench.core.queued(1) == 1
    assert bench.submit(0) == [start(0, 2, 0)]
    assert bench.submit(0) == []
    assert bench.submit(0) == [finish(4, DROPPED)]


def test_the_quicker_of_two_idle_units_is_taken() -> None:
    assert Bench(EITHER).submit() == [start(0, 0, 0)]
    swapped = (stage(((0, 30), (1, 10))),)
    assert Bench(swapped).submit() == [start(1, 0, 0)]
    same = (stage(((1, 10), (0, 10))),)
    assert Bench(same).submit() == [start(0, 0, 0)]  # as quick: the unit of lower number


def test_a_busy_unit_is_waited_for_when_that_is_quicker() -> None:
    # At 0 unit 0 is busy until 10. There the stage ends at 20, on unit 1 at 30: it waits, but no
    # longer than until unit 0 is late by a quarter of its stage: 10 + 10 // 4 = 12, so from 13.
    bench = Bench(EITHER)
    bench.submit()
    assert bench.submit() == [timer(13)]
    assert bench.at(10).done(0, 0, 0) == [finish(0, COMPLETED), start(0, 1, 0)]


def test_a_unit_that_is_late_is_waited_for_no_more() -> None:
    bench = Bench(EITHER)
    bench.submit()
    bench.submit()
    assert bench.at(12).timer() == []  # set already
    assert bench.at(13).timer() == [start(1, 1, 0)]


def test_a_busy_unit_is_not_waited_for_when_others_come_first_there() -> None:
    # Unit 0 has another request's stage queued before: that one takes it next.
    bench = Bench(EITHER, ONE)
    bench.submit(0)
    bench.submit(1)
    assert bench.submit(0) == [start(1, 2, 0)]


def test_a_slow_unit_helps_out_when_it_ends_earlier() -> None:
    # 10 or 15 ns: behind unit 0's stage it would end at 20, on unit 1 at 15.
    bench = Bench((stage(((0, 10), (1, 15))),))
    assert bench.submit() == [start(0, 0, 0)]
    assert bench.submit() == [start(1, 1, 0)]


def test_learnt_times_change_the_choice() -> None:
    bench = Bench(EITHER)
    bench.core.set_duration(0, 0, 0, 40)
    assert bench.submit() == [start(1, 0, 0)]


def test_a_failed_stage_is_run_elsewhere_when_asked_for() -> None:
    bench = Bench(EITHER)
    bench.submit()
    assert bench.failed(0, 0, 0, retry=True) == [start(1, 0, 0)]
    assert bench.failed(1, 0, 0, retry=True) == [finish(0, FAILED)]  # no unit is left


def test_a_failed_stage_is_not_left_to_a_unit_that_is_down() -> None:
    bench = Bench(EITHER)
    bench.down(1)
    bench.submit()
    assert bench.failed(0, 0, 0, retry=True) == [finish(0, FAILED)]


def test_what_a_unit_was_running_when_it_went_down_is_run_again() -> None:
    bench = Bench(EITHER)
    bench.submit()
    assert bench.down(0) == [start(1, 0, 0)]
    with pytest.raises(ValueError, match="unit 0 runs nothing"):
        bench.done(0, 0, 0)
    assert bench.done(1, 0, 0) == [finish(0, COMPLETED)]


def test_what_only_a_down_unit_can_run_waits_for_it() -> None:
    bench = Bench(chain(0, ns=10), terms=[Terms(deadline_ns=100)])
    bench.submit()
    assert bench.at(5).down(0) == [timer(91)]
    assert bench.at(6).submit() == []
    with pytest.raises(ValueError, match="unit 0 is down already"):
        bench.down(0)
    assert bench.at(50).up(0) == [start(0, 0, 0)]
    assert bench.at(60).down(0) == []
    assert bench.at(91).timer()[0] == finish(0, DROPPED)


def test_a_join_of_alternatives_waits_for_both() -> None:
    either = ((0, 10), (1, 10))
    bench = Bench((stage(either), stage(either), stage(either, 0, 1)))
    assert bench.submit() == [start(0, 0, 0), start(1, 0, 1)]
    assert bench.done(1, 0, 1) == []
    assert bench.done(0, 0, 0) == [start(0, 0, 2)]
