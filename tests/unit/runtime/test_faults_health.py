"""When a unit is taken down, for how long, when it is given up, and what hangs."""

import pytest

from hetsched.errors import RunError
from hetsched.runtime.faults import Faults, Health, UnitStatus
from hetsched.runtime.watch import Watch, limit_ns

FAULTS = Faults(failures=3, window=4, revivals=2, wait_ns=10, longest_wait_ns=50, patience_ns=1000)


def status(health: Health) -> UnitStatus:
    return health.status


def test_waits_double_up_to_a_limit() -> None:
    assert [FAULTS.back_off_ns(n) for n in range(6)] == [0, 10, 20, 40, 50, 50]
    assert FAULTS.back_off_ns(10_000) == 50


def test_three_of_the_last_four_stages() -> None:
    health = Health(FAULTS)
    assert not health.is_doubted
    assert [health.failed(), health.failed()] == [False, False]
    health.succeeded()
    health.succeeded()  # failed, failed, well, well
    assert not health.failed()  # failed, well, well, failed
    assert not health.failed()  # well, well, failed, failed
    assert health.failed()  # well, failed, failed, failed


def test_what_was_forgiven_does_not_count() -> None:
    health = Health(FAULTS)
    assert [health.failed(), health.failed()] == [False, False]
    health.forgive()
    assert not health.failed()
    assert health.failed()


def test_successes_clear_all_doubt() -> None:
    health = Health(FAULTS)
    health.failed()
    for _ in range(3):
        health.succeeded()
        assert health.is_doubted
    health.succeeded()  # the failure is the fifth last now
    assert not health.is_doubted


def test_a_quarantined_unit_is_on_probation_when_it_is_back() -> None:
    health = Health(FAULTS)
    health.quarantine(100, "it fails")
    assert (status(health), health.reason, health.due_ns) == (
        UnitStatus.QUARANTINED,
        "it fails",
        110,
    )
    assert not health.needs_revival
    health.rise(110)
    assert (status(health), health.reason, health.due_ns) == (UnitStatus.UP, "", None)
    assert health.failed()  # its first failure will do
    health.quarantine(200, "again")
    assert health.due_ns == 220  # twice as long
    health.rise(220)
    health.succeeded()
    assert not health.failed()
    health.quarantine(300, "later")
    assert health.due_ns == 310


def test_a_dead_unit_is_revived_at_once_and_later_and_later_when_it_dies_again() -> None:
    health = Health(Faults(failures=20, window=20, wait_ns=10))
    health.die(100, "crash")
    assert (status(health), health.due_ns, health.needs_revival) == (UnitStatus.DOWN, 100, True)
    health.rise(105)
    assert (health.revivals, health.needs_revival) == (1, False)
    health.die(200, "crash")
    assert health.due_ns == 210
    health.rise(210)
    health.succeeded()
    health.die(300, "crash")
    assert health.due_ns == 300
    assert (health.deaths, health.revivals) == (3, 2)


def test_a_unit_that_dies_again_and_again_is_quarantined() -> None:
    health = Health(FAULTS)
    for time_ns in (100, 200):
        health.die(time_ns, "crash")
        assert status(health) is UnitStatus.DOWN
        health.rise(time_ns)
        health.succeeded()
    # died, well, died, well: only two of the last four. Without the successes:
    health.die(300, "crash")
    assert status(health) is UnitStatus.DOWN  # well, died, well, died
    health.rise(300)
    health.die(400, "crash")
    assert status(health) is UnitStatus.QUARANTINED  # died, well, died, died
    assert health.due_ns == 410
    assert health.needs_revival


def test_what_cannot_be_revived_is_given_up_until_somebody_asks() -> None:
    health = Health(FAULTS)
    health.die(100, "crash")
    health.begin_revival(100)
    assert health.due_ns == 1100
    assert not health.revival_failed(150, "no driver")
    assert (health.due_ns, health.reason) == (160, "no driver")
    assert health.revival_failed(200, "no driver")
    health.give_up(200)
    assert status(health) is UnitStatus.GIVEN_UP
    assert not health.due_ns
    health.retry(900)
    assert (status(health), health.due_ns) == (UnitStatus.DOWN, 900)


def test_a_unit_that_hangs_is_given_up_after_a_while_and_back_when_it_is_back() -> None:
    health = Health(FAULTS)
    health.hang(100, "stuck")
    assert (status(health), health.due_ns, health.hangs) == (UnitStatus.HUNG, 1100, 1)
    health.come_back(500, has_died=False)
    assert (status(health), health.due_ns, health.needs_revival) == (UnitStatus.DOWN, 500, False)
    health.rise(500)
    health.hang(600, "stuck")
    health.come_back(700, has_died=True)
    assert (health.due_ns, health.needs_revival) == (710, True)


@pytest.mark.parametrize("wrong", [{"failures": 0}, {"window": True}, {"wait_ns": 1.5}])
def test_numbers_must_be_whole_and_positive(wrong: dict[str, int]) -> None:
    (name,) = wrong
    with pytest.raises(RunError, match=f"faults: {name} is .*: give a whole number from 1"):
        Faults(**wrong)


def test_more_failures_than_stages_is_nothing_that_can_happen() -> None:
    with pytest.raises(RunError, match="faults: failures is 21: give at most the window, 20"):
        Faults(failures=21)


def test_limits_of_stages() -> None:
    faults = Faults(multiple=20, floor_ns=1000)
    assert limit_ns("off", faults, 500) is None
    assert limit_ns("auto", faults, 0) is None  # nothing is known
    assert limit_ns("auto", faults, 10) == 1000
    assert limit_ns("auto", faults, 500) == 10_000
    assert limit_ns(77, faults, 500) == 77


MS = 1_000_000


def test_what_stays_for_its_limit_hangs() -> None:
    """Limit 40 ms: looks every 10 ms. The first look only sees that it is there."""
    watch, task = Watch(2), object()
    running = [(task, 40 * MS), (None, None)]
    assert watch.look(1000 * MS, running) == ([], 1010 * MS)
    for step in range(1, 4):
        at = (1000 + 10 * step) * MS
        assert watch.look(at, running) == ([], at + 10 * MS)
    assert watch.look(1040 * MS, running) == ([0], None)


def test_another_stage_starts_anew() -> None:
    watch = Watch(1)
    for step in range(20):
        assert watch.look(step * 10 * MS, [(object(), 40 * MS)]) == ([], (step + 1) * 10 * MS)


def test_time_in_which_nobody_looked_does_not_count() -> None:
    """The process was stopped for an hour: that is two looks' worth, 20 ms."""
    watch, task = Watch(1), object()
    assert watch.look(0, [(task, 40 * MS)]) == ([], 10 * MS)
    hour = 3_600_000 * MS
    assert watch.look(hour, [(task, 40 * MS)]) == ([], hour + 10 * MS)
    assert watch.look(hour + 10 * MS, [(task, 40 * MS)]) == ([], hour + 20 * MS)
    assert watch.look(hour + 20 * MS, [(task, 40 * MS)]) == ([0], None)


def test_looks_are_not_rarer_than_four_a_second_and_nobody_looks_at_nothing() -> None:
    watch, task = Watch(1), object()
    assert watch.look(0, [(task, 3_600_000 * MS)]) == ([], 250 * MS)
    assert watch.look(250 * MS, [(task, None)]) == ([], None)
    assert watch.look(300 * MS, [(None, None)]) == ([], None)
    assert watch.look(400 * MS, [(task, 100)]) == ([], 401 * MS)
