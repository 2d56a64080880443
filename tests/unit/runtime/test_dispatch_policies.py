"""Which ready stage a free unit takes."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hetsched.dispatch import POLICIES, Candidate, StageNode, Terms
from tests.unit.runtime.dispatching import MISSED, Bench, chain, finish, stage, start

ONE = chain(0)


def order(bench: Bench, *apps: int) -> list[int]:
    """Apps in the order in which their requests (0 runs, the rest wait) get the unit."""
    for app in apps:
        bench.submit(app)
    served = [0]
    while True:
        bench.now += 10
        starts = [a for a in bench.done(0, served[-1], 0) if a[0] == "start"]
        if not starts:
            return [apps[number] for number in served[1:]]
        served.append(starts[0][2])


def test_priority_then_age() -> None:
    terms = [Terms(priority=p) for p in (0, 5, -1)]
    bench = Bench(ONE, ONE, ONE, units=1, policy="priority", terms=terms)
    assert order(bench, 0, 2, 0, 1, 2, 1) == [1, 1, 0, 2, 2]


def test_edf_takes_the_earliest_deadline_and_those_without_last() -> None:
    terms = [Terms(), Terms(deadline_ns=500), Terms(deadline_ns=300)]
    bench = Bench(ONE, ONE, ONE, units=1, policy="edf", terms=terms)
    assert order(bench, 0, 0, 1, 2) == [2, 1, 0]


def test_least_slack_counts_what_is_left_to_do() -> None:
    # Slack of app 1: 500 - 4 * 100 = 100; of app 2: 200 - 10 = 190; app 0 has none to lose.
    terms = [Terms(), Terms(deadline_ns=500), Terms(deadline_ns=200)]
    bench = Bench(ONE, chain(0, 1, 1, 1, ns=100), ONE, policy="least-slack", terms=terms)
    bench.submit(0)
    for app in (0, 2, 1):
        bench.submit(app)
    assert start(0, 3, 0) in bench.done(0, 0, 0)


def test_edf_would_take_the_other_one() -> None:
    terms = [Terms(), Terms(deadline_ns=500), Terms(deadline_ns=200)]
    bench = Bench(ONE, chain(0, 1, 1, 1, ns=100), ONE, policy="edf", terms=terms)
    bench.submit(0)
    for app in (0, 2, 1):
        bench.submit(app)
    assert start(0, 2, 0) in bench.done(0, 0, 0)


def test_shortest_expected_latency_takes_the_request_with_least_left() -> None:
    # Left: app 0 10 ns; app 1 30 ns; app 2 20 ns at first, then its last stage 10 ns.
    bench = Bench(ONE, chain(0, 0, 0), chain(0, 0), units=1, policy="shortest-expected-latency")
    assert bench.submit(1) == [start(0, 0, 0)]
    assert [bench.submit(app) for app in (2, 0)] == [[], []]
    assert bench.done(0, 0, 0)[-1] == start(0, 2, 0)  # request 0 has 20 left, as request 1 has
    assert bench.done(0, 2, 0)[-1] == start(0, 0, 1)  # of two equal ones the older
    assert bench.done(0, 0, 1)[-1] == start(0, 0, 2)


def test_heft_takes_the_highest_rank_of_those_that_came_together() -> None:
    # Ranks at time 0: app 0 10, app 1 40. A request that came 50 earlier outranks by age.
    bench = Bench(ONE, chain(0, 1, 1, 1), units=2, policy="heft")
    bench.submit(0)
    bench.submit(0)  # request 1, rank 10
    bench.submit(1)  # request 2, rank 40
    assert bench.at(0).done(0, 0, 0)[-1] == start(0, 2, 0)
    bench.at(50).submit(1)  # request 3: 50 - 40 = 10 against 0 - 10 of request 1
    assert bench.done(0, 2, 0)[-2:] == [start(0, 1, 0), start(1, 2, 1)]


def test_heft_ranks_by_mean_times() -> None:
    # Least times 10 and 12, mean times 55 and 12: the first app ranks higher.
    slow_elsewhere = (stage(((0, 10), (1, 100))),)
    bench = Bench(ONE, slow_elsewhere, chain(0, ns=12), units=2, policy="heft")
    bench.down(1)
    bench.submit(0)
    bench.submit(2)
    bench.submit(1)
    assert bench.done(0, 0, 0)[-1] == start(0, 2, 0)


def test_weighted_fair_shares_by_weight() -> None:
    """Three to one: of 40 stages about 30 and 10."""
    terms = [Terms(weight=3.0), Terms(weight=1.0)]
    bench = Bench(ONE, ONE, units=1, policy="weighted-fair", terms=terms)
    served = order(bench, *([0, 1] * 60))[:40]
    assert abs(served.count(0) - 30) <= 1


def test_weighted_fair_counts_time_not_stages() -> None:
    """App 0's stages take three times as long: it gets a third as many."""
    bench = Bench(chain(0, ns=30), chain(0, ns=10), units=1, policy="weighted-fair")
    served = order(bench, *([0, 1] * 60))[:40]
    assert abs(served.count(0) - 10) <= 1


@given(st.lists(st.sampled_from([0, 0, 0, 0, 1]), min_size=1, max_size=60), st.integers(1, 20))
def test_nothing_starves_under_weighted_fair(burst: list[int], weight: int) -> None:
    """However many requests app 0 keeps sending, app 1 waits for its share's turn at most.

    App 1's request has the tag of the unit's clock when it comes. Each stage of app 0 raises app
    0's tag by at least 10 * 1000 // (1000 * weight), so after weight + 1 more stages that tag is
    higher than app 1's, and what app 0 had queued before counts no more than `len(burst)`.
    """
    terms = [Terms(weight=float(weight)), Terms(weight=1.0)]
    bench = Bench(ONE, ONE, units=1, policy="weighted-fair", terms=terms)
    app_of = []

    def submit(app: int) -> None:
        app_of.append(app)
        bench.submit(app)

    submit(0)
    for app in burst:
        submit(app)
    submit(1)
    mine, running = len(app_of) - 1, 0
    for _ in range(len(burst) * (weight + 2) + weight + 2):
        submit(0)
        bench.now += 10
        running = next(a[2] for a in bench.done(0, running, 0) if a[0] == "start")
        if running == mine:
            return
    pytest.fail("it never ran")


def test_priority_does_starve() -> None:
    """The same flood under `priority`: what the test above could find."""
    terms = [Terms(priority=1), Terms(priority=0)]
    bench = Bench(ONE, ONE, units=1, policy="priority", terms=terms)
    bench.submit(0)
    bench.submit(1)
    running = 0
    for _ in range(100):
        bench.submit(0)
        running = next(a[2] for a in bench.done(0, running, 0) if a[0] == "start")
        assert running != 1


def test_static_order_goes_round_and_passes_over() -> None:
    # Cycle a, b, b, c; no request of c; app 3 isn't in the order and comes last.
    bench = Bench(ONE, ONE, ONE, ONE, units=1, turns=[0, 1, 2, -1])
    bench.core = type(bench.core)(1, [0, 1, 1, 2])
    for turn in (0, 1, 2, -1):
        bench.core.deploy([([], [(0, 10)])], turn=turn)
    assert order(bench, 3, 3, 0, 0, 0, 1, 1, 1) == [0, 1, 1, 0, 1, 0, 3]


def test_a_function_chooses_among_what_is_ready_on_the_unit() -> None:
    seen: list[tuple[int, int, list[Candidate]]] = []

    def last(unit: int, now_ns: int, ready: Sequence[Candidate]) -> int:
        seen.append((unit, now_ns, list(ready)))
        return len(ready) - 1

    terms = [Terms(priority=7, deadline_ns=1000)]
    bench = Bench(chain(0, 1), ONE, policy=last, terms=terms).at(5)
    bench.submit(0)
    bench.submit(0)
    bench.submit(1)
    assert bench.at(15).done(0, 0, 0) == [start(0, 2, 0), start(1, 0, 1)]
    first = Candidate(
        request=bench.ids[1],
        app=0,
        stage=0,
        arrival_ns=5,
        deadline_ns=1005,
        duration_ns=10,
        rest_ns=20,
        priority=7,
    )
    other = Candidate(bench.ids[2], 1, 0, 5, -1, 10, 10, 0)
    assert seen[1] == (0, 15, [first, other])
    assert seen[2][:2] == (1, 15)


def test_a_function_that_calls_the_dispatcher_is_refused() -> None:
    def meddle(unit: int, now_ns: int, ready: Sequence[Candidate]) -> int:
        bench.core.timer(now_ns)
        return 0

    bench = Bench(ONE, policy=meddle)
    assert bench.submit() == [start(0, 0, 0)]
    assert "the dispatcher is in the middle of an event" in bench.core.take_error()
    assert bench.core.take_error() == ""


@st.composite
def unit_jobs(draw: st.DrawFn) -> list[tuple[int, int, int]]:
    """(arrival, length, absolute deadline) of some jobs, times in units."""
    jobs = []
    for _ in range(draw(st.integers(1, 7))):
        arrival, length = draw(st.integers(0, 12)), draw(st.integers(1, 4))
        jobs.append((arrival, length, arrival + length + draw(st.integers(0, 10))))
    return sorted(jobs)


def is_schedulable(jobs: list[tuple[int, int, int]]) -> bool:
    """Whether one preemptible unit can do it: no interval is asked for more than its length.

    Source: the processor demand criterion, Baruah, Rosier, Howell 1990, for given jobs.
    """
    return all(
        sum(length for a, length, d in jobs if start <= a and d <= end) <= end - start
        for start, _, _ in jobs
        for _, _, end in jobs
        if end > start
    )


@given(unit_jobs(), st.booleans())
def test_edf_meets_every_deadline_that_can_be_met(
    jobs: list[tuple[int, int, int]], drops: bool
) -> None:
    """Jobs cut into stages of one unit of time on one unit: EDF meets all or nobody can."""
    nodes: list[tuple[StageNode, ...]] = []
    terms = []
    for arrival, length, deadline in jobs:
        nodes.append(tuple(stage(0, *([i - 1] if i else []), ns=1) for i in range(length)))
        terms.append(Terms(deadline_ns=deadline - arrival, late="drop" if drops else "run"))
    bench = Bench(*nodes, units=1, policy="edf", terms=terms)
    ended: dict[int, str] = {}
    running: tuple[int, int] | None = None
    for now in range(80):
        bench.now = now
        actions = []
        # What comes at an instant comes before the unit is free at that instant, the most urgent
        # first: a stage that has started isn't interrupted, and cuts here are no finer than times.
        for number in sorted(range(len(jobs)), key=lambda each: jobs[each][2]):
            if jobs[number][0] == now:
                actions += bench.submit(number)
        if running is not None:
            actions += bench.done(0, *running)
        running = next(((a[2], a[3]) for a in actions if a[0] == "start"), None)
        ended.update((a[1], a[2]) for a in actions if a[0] == "finish")
    assert len(ended) == len(jobs)
    in_time = all(status == "completed" for status in ended.values())
    assert in_time == is_schedulable(jobs)


@pytest.mark.parametrize("policy", POLICIES)
def test_late_is_late_under_every_policy(policy: str) -> None:
    bench = Bench(ONE, units=1, policy=policy, terms=[Terms(deadline_ns=15, late="run")])
    bench.submit()
    assert bench.at(16).done(0, 0, 0) == [finish(0, MISSED)]
