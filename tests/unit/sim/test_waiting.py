"""Callers that don't wait for ever, and units that fall asleep."""

from dataclasses import replace

import pytest

from hetsched.errors import SimError
from hetsched.sim import Closed, Replay, SimApp, SimSoc, SimUnit, simulate
from tests.unit.sim.running import one_stage, plain_soc

MS = 1_000_000


def impatient(timeout_ns: int, *times_ns: int) -> SimApp:
    """Stages of 10 ns."""
    return replace(one_stage("a", 10, Replay(times_ns=times_ns)), timeout_ns=timeout_ns)


def test_a_request_that_takes_longer_than_its_caller_waits_is_cancelled() -> None:
    """One unit; requests at 0, 6 and 12 would end at 10, 20 and 30. Callers wait for 12 ns.

    The second is cancelled at 18, the third at 24, each while it runs: the unit is busy to its end.
    """
    result = simulate([impatient(12, 0, 6, 12)], plain_soc(), duration_ns=100)
    found = result.apps[0]
    assert (found.completed, found.cancelled, found.in_flight) == (1, 2, 0)
    assert result.units[0].busy_ns == 30
    assert found.miss_rate == 0.0


def test_a_request_that_ends_when_its_caller_goes_has_ended() -> None:
    assert simulate([impatient(10, 0)], plain_soc(), duration_ns=100).apps[0].completed == 1


def test_a_request_that_waits_is_cancelled_without_having_run() -> None:
    """The second caller goes at 9, before the first one's stage ends at 10."""
    result = simulate([impatient(9, 0, 0)], plain_soc(), duration_ns=100)
    assert (result.apps[0].completed, result.apps[0].cancelled) == (0, 2)
    assert result.units[0].busy_ns == 10


def test_a_client_whose_request_was_cancelled_asks_again() -> None:
    """It waits 4 of 10 ns and asks again at once: at 0, 4, 8, ..., 96; the unit is never free."""
    app = replace(one_stage("a", 10, Closed(clients=1)), timeout_ns=4)
    result = simulate([app], plain_soc(), duration_ns=100)
    assert (result.apps[0].requests, result.apps[0].completed) == (25, 0)
    assert result.units[0].busy_ns == 100


def test_patience_of_nothing_is_refused() -> None:
    with pytest.raises(SimError, match="app 'a': timeout is 0 ns: give 1 to"):
        simulate([impatient(0, 0)], plain_soc(), duration_ns=100)


def test_an_app_that_goes_leaves_its_queue_to_be_served() -> None:
    """Three requests at once, gone at 5: all are served, at 10, 20 and 30; none comes at 50."""
    app = replace(one_stage("a", 10, Replay(times_ns=(0, 0, 0, 50))), active=((0, 5),))
    result = simulate([app], plain_soc(), duration_ns=100)
    assert (result.apps[0].requests, result.apps[0].completed) == (3, 3)
    assert result.units[0].busy_ns == 30


def test_a_unit_that_sleeps_draws_less_and_pays_for_waking() -> None:
    """Stages of 10 ms at 0 and 100: busy for 20 + 5 of waking, then idle for 30, then asleep.

    It sleeps from 40 to 100 and from 145 to 200 ms: 1 W x 25 + 0.1 x 60 + 0.01 x 115 = 32.15 mJ.
    """
    unit = SimUnit(
        name="u", power_mw=1000, idle_mw=100, sleep_mw=10, keep_ns=30 * MS, wake_ns=5 * MS
    )
    app = one_stage("a", 10 * MS, Replay(times_ns=(0, 100 * MS)))
    found = simulate([app], SimSoc(units=(unit,)), duration_ns=200 * MS).units[0]
    assert found.energy_uj == 32_150
    assert found.busy_ns == 25 * MS


def test_a_unit_without_a_power_of_sleep_draws_what_it_draws_idle() -> None:
    unit = SimUnit(name="u", power_mw=1000, idle_mw=100, keep_ns=30 * MS)
    app = one_stage("a", 10 * MS, Replay(times_ns=(0,)))
    found = simulate([app], SimSoc(units=(unit,)), duration_ns=200 * MS).units[0]
    assert found.energy_uj == 10_000 + 19_000
