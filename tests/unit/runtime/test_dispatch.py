"""Events in, actions out: no thread, no clock."""

from collections.abc import Callable
from typing import Any

import pytest

from hetsched._core import Dispatcher, drive_dispatcher
from hetsched.dispatch import POLICIES, Policy, StaticOrder, Terms, make_dispatcher
from hetsched.errors import RunError
from tests.unit.runtime.dispatching import (
    CANCELLED,
    CHAIN,
    COMPLETED,
    FAILED,
    FORK,
    Bench,
    chain,
    finish,
    stage,
    start,
)


def test_a_chain_goes_from_unit_to_unit() -> None:
    bench = Bench(CHAIN)
    assert bench.submit() == [start(0, 0, 0)]
    assert bench.done(0, 0, 0) == [start(1, 0, 1)]
    assert bench.done(1, 0, 1) == [start(0, 0, 2)]
    assert bench.done(0, 0, 2) == [finish(0, COMPLETED)]
    assert bench.core.is_idle


def test_parallel_branches_start_together_and_a_join_waits_for_both() -> None:
    bench = Bench(FORK)
    bench.submit()
    assert bench.done(0, 0, 0) == [start(0, 0, 1), start(1, 0, 2)]
    assert bench.done(1, 0, 2) == []
    assert bench.done(0, 0, 1) == [start(1, 0, 3)]


def test_a_free_unit_takes_the_oldest_request_first() -> None:
    # Unit 0 has: stage 0 of request 1 (waiting since its arrival), then stage 2 of request 0,
    # which became ready later but belongs to the older request.
    bench = Bench(CHAIN)
    assert bench.submit() == [start(0, 0, 0)]
    assert bench.submit() == []
    assert bench.done(0, 0, 0) == [start(0, 1, 0), start(1, 0, 1)]
    assert bench.submit() == []
    assert bench.done(1, 0, 1) == []  # request 0's last stage is ready, unit 0 busy
    assert bench.done(0, 1, 0) == [start(0, 0, 2), start(1, 1, 1)]


def test_a_request_without_stages_completes_at_once() -> None:
    assert Bench(()).submit() == [finish(0, COMPLETED)]


def test_failure_ends_only_its_request_and_frees_the_unit() -> None:
    bench = Bench(CHAIN)
    bench.submit()
    bench.submit()
    assert bench.failed(0, 0, 0) == [finish(0, FAILED), start(0, 1, 0)]
    assert bench.done(0, 1, 0) == [start(1, 1, 1)]
    assert bench.done(1, 1, 1) == [start(0, 1, 2)]
    assert bench.done(0, 1, 2) == [finish(1, COMPLETED)]
    assert bench.core.is_idle


def test_cancelling_frees_the_queue_and_lets_a_running_stage_end() -> None:
    bench = Bench(FORK)
    bench.submit()
    bench.submit()
    assert (bench.core.queued(0), bench.core.live) == (1, 2)
    assert bench.cancel(1) == [finish(1, CANCELLED)]
    assert (bench.core.queued(0), bench.core.live) == (0, 1)
    assert bench.cancel(1) == []  # it has ended already
    assert bench.cancel(0) == [finish(0, CANCELLED)]
    assert not bench.core.is_idle  # unit 0 still runs request 0's first stage
    assert bench.done(0, 0, 0) == []
    assert bench.core.is_idle


def test_a_cancelled_requests_place_is_not_taken_for_its_successors() -> None:
    """Request 1 is kept where request 0 was; the stage that ends belongs to request 0."""
    bench = Bench(chain(0, 0))
    bench.submit()
    bench.cancel(0)
    assert bench.submit() == []
    assert bench.done(0, 0, 0) == [start(0, 1, 0)]
    assert bench.done(0, 1, 0) == [start(0, 1, 1)]


def test_a_retired_app_ends_what_it_has_and_takes_no_more() -> None:
    bench = Bench(chain(0), chain(0))
    bench.submit(0)
    bench.submit(0)
    bench.core.retire(0)
    with pytest.raises(ValueError, match="app 0 isn't deployed"):
        bench.submit(0)
    assert bench.submit(1) == []
    assert bench.done(0, 0, 0) == [finish(0, COMPLETED), start(0, 1, 0)]
    assert bench.done(0, 1, 0) == [finish(1, COMPLETED), start(0, 2, 0)]
    with pytest.raises(ValueError, match="app 0 isn't deployed"):
        bench.core.retire(0)


REFUSED: list[tuple[Callable[[Bench], Any], str]] = [
    (lambda b: b.submit(3), "app 3 isn't deployed"),
    (lambda b: b.submit(-1), "app -1 isn't deployed"),
    (lambda b: b.submit(0, 0), "a deadline must be longer than 0"),
    (lambda b: b.done(0, 0, 1), "unit 0 runs stage 0 of request 0, not stage 1 of request 0"),
    (lambda b: b.done(1, 0, 0), "unit 1 runs nothing, not stage 0 of request 0"),
    (lambda b: b.done(2, 0, 0), "there is no unit 2 of 2"),
    (lambda b: b.failed(1, 0, 0), "unit 1 runs nothing"),
    (lambda b: b.up(0), "unit 0 isn't down"),
    (lambda b: b.down(-1), "there is no unit -1 of 2"),
    (lambda b: b.at(4).timer(), "an event of 4 ns after one of 5 ns"),
    (lambda b: b.core.deploy([([], [(2, 1)])]), "stage 0 is on unit 2 of 2"),
    (lambda b: b.core.deploy([([], [])]), "stage 0 has no unit"),
    (lambda b: b.core.deploy([([], [(0, 1), (0, 2)])]), "stage 0 names unit 0 twice"),
    (lambda b: b.core.deploy([([], [(0, -1)])]), "stage 0 takes -1 ns on unit 0"),
    (lambda b: b.core.deploy([([0], [(0, 1)])]), "stage 0 waits for stage 0, not an earlier one"),
    (
        lambda b: b.core.deploy([([], [(0, 1)]), ([0, 0], [(0, 1)])]),
        "stage 1 names stage 0 twice",
    ),
    (lambda b: b.core.deploy([], deadline_ns=0), "a deadline must be longer than 0"),
    (lambda b: b.core.deploy([], weight=0), "a weight must be more than 0"),
    (lambda b: b.core.deploy([], capacity=0), "a queue must hold one request at least"),
    (lambda b: b.core.set_duration(0, 0, 1, 5), "stage 0 can't run on unit 1"),
    (lambda b: b.core.set_duration(0, 9, 1, 5), "there is no such stage"),
]


@pytest.mark.parametrize(("event", "message"), REFUSED, ids=[message for _, message in REFUSED])
def test_impossible_events_are_refused_and_change_nothing(
    event: Callable[[Bench], Any], message: str
) -> None:
    bench = Bench(CHAIN).at(5)
    bench.submit()
    with pytest.raises(ValueError, match=message):
        event(bench)
    assert bench.at(6).done(0, 0, 0) == [start(1, 0, 1)]
    assert bench.submit() == [start(0, 1, 0)]


def test_units_and_policies_are_checked() -> None:
    for units in (0, 65):
        with pytest.raises(ValueError, match=f"from 1 to 64 units, not {units}"):
            Dispatcher(units, "fifo")
    with pytest.raises(ValueError, match="there is no policy 'lifo': take fifo, priority"):
        Dispatcher(1, "lifo")
    with pytest.raises(RunError, match="there is no policy 'lifo': take fifo, priority"):
        make_dispatcher(1, "lifo")
    with pytest.raises(RunError, match="a static order names one app at least"):
        make_dispatcher(1, StaticOrder(()))
    for name in POLICIES:
        assert make_dispatcher(1, name).is_idle


@pytest.mark.parametrize(
    ("terms", "message"),
    [
        ({"deadline_ns": 0}, "deadline is 0: give above 0"),
        ({"weight": 0.0}, "weight is 0.0: give from 0.001"),
        ({"capacity": 0}, "capacity is 0: give from 1"),
        ({"full": "wait"}, "full is 'wait': give reject or drop-oldest or latest-only"),
        ({"admission": "some"}, "admission is 'some': give all or own or backlog"),
        ({"late": "maybe"}, "late is 'maybe': give drop or run"),
    ],
)
def test_terms_are_checked(terms: dict[str, Any], message: str) -> None:
    with pytest.raises(RunError, match=message):
        Terms(**terms)


@pytest.mark.parametrize("policy", [*POLICIES, StaticOrder(("a", "b"))])
def test_nothing_is_allocated_after_warm_up(policy: Policy) -> None:
    nodes = (stage(0), stage(((0, 10), (1, 12)), 0), stage(1, 0), stage(2, 1, 2))
    terms = [Terms(deadline_ns=60), Terms(deadline_ns=400)]
    bench = Bench(nodes, CHAIN, units=3, policy=policy, terms=terms, turns=[0, 1])

    def drive(starts: int) -> tuple[int, int, int, int]:
        return drive_dispatcher(bench.core, apps=2, depth=3, starts=starts, longest_ns=20)

    assert drive(3_000)[3] > 0  # the counter counts
    starts, events, finishes, allocations = drive(3_000)
    assert starts >= 3_000
    assert events > finishes > 0
    assert allocations == 0
    assert bench.core.is_idle
