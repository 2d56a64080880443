"""Events in, actions out: no thread, no clock."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hetsched.runtime.dispatch import (
    Action,
    Cancelled,
    Deployed,
    Dispatcher,
    Event,
    Finish,
    RequestStatus,
    StageDone,
    StageFailed,
    StageNode,
    Start,
    Submitted,
)

CHAIN = (StageNode(unit=0, after=()), StageNode(unit=1, after=(0,)), StageNode(unit=0, after=(1,)))
FORK = (
    StageNode(unit=0, after=()),
    StageNode(unit=0, after=(0,)),
    StageNode(unit=1, after=(0,)),
    StageNode(unit=1, after=(1, 2)),
)


def start(unit: int, request: int, stage: int) -> Start:
    return Start(unit=unit, request=request, stage=stage)


def done(unit: int, request: int, stage: int) -> StageDone:
    return StageDone(unit=unit, request=request, stage=stage)


def completed(request: int) -> Finish:
    return Finish(request=request, status=RequestStatus.COMPLETED)


def deployed(*apps: tuple[StageNode, ...], units: int = 2) -> Dispatcher:
    dispatcher = Dispatcher(units)
    for number, stages in enumerate(apps):
        assert dispatcher.handle(Deployed(app=number, stages=stages)) == []
    return dispatcher


def feed(dispatcher: Dispatcher, *events: Event) -> list[list[Action]]:
    return [dispatcher.handle(event) for event in events]


def test_a_chain_goes_from_unit_to_unit() -> None:
    assert feed(
        deployed(CHAIN), Submitted(request=0, app=0), done(0, 0, 0), done(1, 0, 1), done(0, 0, 2)
    ) == [[start(0, 0, 0)], [start(1, 0, 1)], [start(0, 0, 2)], [completed(0)]]


def test_parallel_branches_start_together_and_join_waits_for_both() -> None:
    assert feed(
        deployed(FORK), Submitted(request=0, app=0), done(0, 0, 0), done(1, 0, 2), done(0, 0, 1)
    ) == [[start(0, 0, 0)], [start(0, 0, 1), start(1, 0, 2)], [], [start(1, 0, 3)]]


def test_a_free_unit_takes_the_oldest_request_first() -> None:
    # Unit 0 has: stage 0 of request 1 (waiting since its arrival), then stage 2 of request 0,
    # which became ready later but belongs to the older request.
    assert feed(
        deployed(CHAIN),
        Submitted(request=0, app=0),
        Submitted(request=1, app=0),
        done(0, 0, 0),  # unit 0 goes on with request 1
        Submitted(request=2, app=0),
        done(1, 0, 1),  # request 0's last stage is ready, unit 0 busy
        done(0, 1, 0),
    ) == [
        [start(0, 0, 0)],
        [],
        [start(0, 1, 0), start(1, 0, 1)],
        [],
        [],
        [start(0, 0, 2), start(1, 1, 1)],
    ]


def test_a_request_without_stages_completes_at_once() -> None:
    assert feed(deployed(()), Submitted(request=0, app=0)) == [[completed(0)]]


def test_failure_ends_only_its_request_and_frees_the_unit() -> None:
    dispatcher = deployed(CHAIN)
    feed(dispatcher, Submitted(request=0, app=0), Submitted(request=1, app=0))
    failed = dispatcher.handle(StageFailed(unit=0, request=0, stage=0))
    assert failed == [Finish(request=0, status=RequestStatus.FAILED), start(0, 1, 0)]
    assert feed(dispatcher, done(0, 1, 0), done(1, 1, 1), done(0, 1, 2))[-1] == [completed(1)]
    assert dispatcher.is_idle


def test_cancelling_drops_what_is_queued_and_lets_a_running_stage_end() -> None:
    dispatcher = deployed(FORK)
    feed(dispatcher, Submitted(request=0, app=0), Submitted(request=1, app=0))
    cancelled = Finish(request=1, status=RequestStatus.CANCELLED)
    assert dispatcher.handle(Cancelled(request=1)) == [cancelled]
    assert dispatcher.handle(Cancelled(request=1)) == []  # it has ended already
    assert dispatcher.handle(Cancelled(request=0)) == [
        Finish(request=0, status=RequestStatus.CANCELLED)
    ]
    assert not dispatcher.is_idle  # unit 0 still runs request 0's first stage
    assert dispatcher.handle(done(0, 0, 0)) == []
    assert dispatcher.is_idle


@pytest.mark.parametrize(
    ("event", "message"),
    [
        (Submitted(request=5, app=3), "app 3 isn't deployed"),
        (Deployed(app=0, stages=()), "app 0 is deployed already"),
        (Deployed(app=1, stages=(StageNode(unit=2, after=()),)), "stage 0 is on unit 2 of 2"),
        (Deployed(app=1, stages=(StageNode(unit=0, after=(0,)),)), "stage 0 waits for stage 0"),
        (done(0, 0, 1), "unit 0 runs (0, 0)"),
        (done(1, 0, 0), "unit 1 runs None"),
        (Submitted(request=0, app=0), "request 0 comes after request 0"),
    ],
)
def test_impossible_events_are_refused_and_change_nothing(event: Event, message: str) -> None:
    dispatcher = deployed(CHAIN)
    feed(dispatcher, Submitted(request=0, app=0))
    with pytest.raises(ValueError, match=message.replace("(", r"\(").replace(")", r"\)")):
        dispatcher.handle(event)
    assert dispatcher.handle(done(0, 0, 0)) == [start(1, 0, 1)]


@st.composite
def apps(draw: st.DrawFn, units: int) -> tuple[StageNode, ...]:
    count = draw(st.integers(0, 6))
    return tuple(
        StageNode(
            unit=draw(st.integers(0, units - 1)),
            after=tuple(sorted(draw(st.sets(st.integers(0, i - 1))))) if i else (),
        )
        for i in range(count)
    )


@st.composite
def runs(draw: st.DrawFn) -> tuple[int, list[tuple[StageNode, ...]], list[int]]:
    units = draw(st.integers(1, 3))
    deployed_apps = draw(st.lists(apps(units), min_size=1, max_size=3))
    return units, deployed_apps, draw(st.lists(st.integers(0, 10**6), max_size=60))


@given(runs())
@settings(max_examples=300)
def test_any_history_keeps_the_rules(
    run: tuple[int, list[tuple[StageNode, ...]], list[int]],
) -> None:
    """No unit runs two stages, none starts before its inputs, each request ends exactly once."""
    units, deployed_apps, choices = run
    machine = _Machine(deployed(*deployed_apps, units=units), deployed_apps)
    for choice in choices:
        machine.step(choice)
    machine.drain()
    again = _Machine(deployed(*deployed_apps, units=units), deployed_apps)
    assert [again.dispatcher.handle(event) for event in machine.events] == machine.actions


class _Machine:
    """A world that follows the dispatcher's orders in any order, and checks each of them."""

    def __init__(self, dispatcher: Dispatcher, apps: list[tuple[StageNode, ...]]) -> None:
        self.dispatcher = dispatcher
        self.apps = apps
        self.app_of: dict[int, int] = {}
        self.running: dict[int, tuple[int, int]] = {}
        self.ended: dict[int, RequestStatus] = {}
        self.done: set[tuple[int, int]] = set()
        self.events: list[Event] = []
        self.actions: list[list[Action]] = []

    def step(self, choice: int) -> None:
        kind, rest = choice % 10, choice // 10
        if kind < 3:
            number = len(self.app_of)
            self.app_of[number] = rest % len(self.apps)
            self.feed(Submitted(request=number, app=self.app_of[number]))
        elif kind == 3 and self.app_of:
            self.feed(Cancelled(request=rest % len(self.app_of)))
        elif self.running:
            self.end_one(rest, failed=kind == 4)

    def end_one(self, pick: int, *, failed: bool) -> None:
        unit = sorted(self.running)[pick % len(self.running)]
        request, stage = self.running.pop(unit)
        if failed:
            self.feed(StageFailed(unit=unit, request=request, stage=stage))
            return
        self.done.add((request, stage))
        self.feed(StageDone(unit=unit, request=request, stage=stage))

    def feed(self, event: Event) -> None:
        actions = self.dispatcher.handle(event)
        self.events.append(event)
        self.actions.append(actions)
        for action in actions:
            if isinstance(action, Finish):
                self.finished(action)
            else:
                self.started(action)

    def started(self, action: Start) -> None:
        node = self.apps[self.app_of[action.request]][action.stage]
        assert action.unit == node.unit
        assert action.unit not in self.running
        assert action.request not in self.ended
        assert (action.request, action.stage) not in self.done
        assert all((action.request, before) in self.done for before in node.after)
        self.running[action.unit] = (action.request, action.stage)

    def finished(self, action: Finish) -> None:
        assert action.request not in self.ended
        self.ended[action.request] = action.status
        if action.status is RequestStatus.COMPLETED:
            stages = range(len(self.apps[self.app_of[action.request]]))
            assert all((action.request, stage) in self.done for stage in stages)

    def drain(self) -> None:
        while self.running:
            self.end_one(0, failed=False)
        assert self.ended.keys() == self.app_of.keys()
        assert self.dispatcher.is_idle
