"""Random histories: the dispatcher does what the slow reference does, and keeps the rules."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hetsched.dispatch import POLICIES, RequestStatus, StageNode, Terms
from tests.unit.runtime.dispatching import Bench, Units, stage
from tests.unit.runtime.reference import Reference

POLICY = st.sampled_from(POLICIES)


@st.composite
def units_of_stage(draw: st.DrawFn, units: int) -> Units:
    chosen = draw(st.permutations(range(units)))[: draw(st.integers(1, units))]
    return tuple((unit, draw(st.sampled_from([0, 1, 8, 10, 20, 37]))) for unit in chosen)


@st.composite
def apps(draw: st.DrawFn, units: int) -> tuple[tuple[StageNode, ...], Terms]:
    nodes = tuple(
        stage(
            draw(units_of_stage(units)),
            *(sorted(draw(st.sets(st.integers(0, index - 1)))) if index else ()),
        )
        for index in range(draw(st.integers(0, 5)))
    )
    terms = Terms(
        deadline_ns=draw(st.none() | st.sampled_from([1, 10, 25, 40, 60, 100])),
        late=draw(st.sampled_from(["drop", "run"])),
        priority=draw(st.integers(-2, 2)),
        weight=draw(st.sampled_from([0.5, 1.0, 3.0])),
        capacity=draw(st.none() | st.integers(1, 3)),
        full=draw(st.sampled_from(["reject", "drop-oldest", "latest-only"])),
        admission=draw(st.sampled_from(["all", "own", "backlog"])),
    )
    return nodes, terms


@dataclass(frozen=True)
class History:
    """What a world is made of, and numbers that choose what happens in it."""

    units: int
    policy: str
    apps: list[tuple[tuple[StageNode, ...], Terms]]
    choices: list[tuple[int, int, int]]

    def bench(self) -> Bench:
        nodes, terms = zip(*self.apps, strict=True)
        return Bench(*nodes, units=self.units, policy=self.policy, terms=terms)

    def reference(self) -> Reference:
        return Reference(self.units, self.policy, self.apps)


@st.composite
def histories(draw: st.DrawFn) -> History:
    units = draw(st.integers(1, 3))
    choice = st.tuples(st.integers(0, 19), st.integers(0, 10**6), st.integers(0, 30))
    return History(
        units=units,
        policy=draw(POLICY),
        apps=draw(st.lists(apps(units), min_size=1, max_size=3)),
        choices=draw(st.lists(choice, max_size=60)),
    )


@dataclass
class World:
    """Follows the dispatcher's orders in any order, and checks each of them."""

    history: History
    bench: Bench
    reference: Reference | None = None
    running: dict[int, tuple[int, int]] = field(default_factory=dict)  # unit to (request, stage)
    app_of: list[int] = field(default_factory=list)
    ended: dict[int, RequestStatus] = field(default_factory=dict)
    done: set[tuple[int, int]] = field(default_factory=set)
    down: set[int] = field(default_factory=set)
    said: list[list[tuple[Any, ...]]] = field(default_factory=list)

    def step(self, kind: int, pick: int, later: int) -> None:
        self.now(self.bench.now + later)
        if kind < 6 or (kind < 14 and not self.running):
            self.submit(pick % len(self.history.apps))
        elif kind < 14:
            self.end_one(pick)
        elif kind == 14 and self.running:
            self.fail_one(pick)
        elif kind == 15 and self.app_of:
            number = pick % len(self.app_of)
            self.tell(lambda bench: bench.cancel(number), lambda ref: ref.cancel(number))
        elif kind == 16:
            self.turn(pick % self.history.units)
        else:
            self.tell(lambda bench: bench.timer(), lambda ref: ref.timer())

    def now(self, time: int) -> None:
        self.bench.now = time
        if self.reference is not None:
            self.reference.now = time

    def submit(self, app: int) -> None:
        self.app_of.append(app)
        self.tell(lambda bench: bench.submit(app), lambda ref: ref.submit(app))

    def end_one(self, pick: int) -> None:
        unit = sorted(self.running)[pick % len(self.running)]
        request, number = self.running.pop(unit)
        self.done.add((request, number))
        self.tell(lambda bench: bench.done(unit, request, number), lambda ref: ref.done(unit))

    def fail_one(self, pick: int) -> None:
        unit = sorted(self.running)[pick % len(self.running)]
        request, number = self.running.pop(unit)
        retry = bool(pick % 3)
        self.tell(
            lambda bench: bench.failed(unit, request, number, retry=retry),
            lambda ref: ref.failed(unit, retry=retry),
        )

    def turn(self, unit: int) -> None:
        if unit in self.down:
            self.down.remove(unit)
            self.tell(lambda bench: bench.up(unit), lambda ref: ref.up(unit))
            return
        self.down.add(unit)
        self.running.pop(unit, None)
        self.tell(lambda bench: bench.down(unit), lambda ref: ref.down(unit))

    def tell(
        self,
        event: Callable[[Bench], list[tuple[Any, ...]]],
        same: Callable[[Reference], list[tuple[Any, ...]]],
    ) -> None:
        actions = event(self.bench)
        self.said.append(actions)
        if self.reference is not None:
            assert actions == same(self.reference)
        for action in actions:
            if action[0] == "start":
                self.started(*action[1:])
            elif action[0] == "finish":
                self.finished(*action[1:])

    def started(self, unit: int, request: int, number: int) -> None:
        node = self.history.apps[self.app_of[request]][0][number]
        assert unit in dict(node.units)
        assert unit not in self.running
        assert unit not in self.down
        assert request not in self.ended
        assert (request, number) not in self.done
        assert (request, number) not in self.running.values()
        assert all((request, before) in self.done for before in node.after)
        self.running[unit] = (request, number)

    def finished(self, request: int, status: RequestStatus) -> None:
        assert request not in self.ended
        self.ended[request] = status
        if status in (RequestStatus.COMPLETED, RequestStatus.MISSED):
            stages = range(len(self.history.apps[self.app_of[request]][0]))
            assert all((request, each) in self.done for each in stages)

    def drain(self) -> None:
        for unit in sorted(self.down):
            self.turn(unit)
        for _ in range(1000):
            if not self.running:
                break
            self.end_one(0)
        if self.bench.core.live:  # a unit idles in favour of one that is late: time will tell
            self.now(self.bench.now + 1000)
            self.tell(lambda bench: bench.timer(), lambda ref: ref.timer())
            self.drain()
            return
        assert sorted(self.ended) == list(range(len(self.app_of)))
        assert self.bench.core.is_idle
        assert [self.bench.core.queued(unit) for unit in range(self.history.units)] == [
            0
        ] * self.history.units


def live(history: History, *, against: Reference | None = None) -> World:
    world = World(history, history.bench(), against)
    for choice in history.choices:
        world.step(*choice)
    world.drain()
    return world


@given(histories())
def test_it_does_what_the_reference_does_and_keeps_the_rules(history: History) -> None:
    """No unit runs two stages, none starts before its inputs, each request ends exactly once."""
    live(history, against=history.reference())


@given(histories())
def test_same_events_same_actions(history: History) -> None:
    assert live(history).said == live(history).said


@given(histories(), st.integers(0, 10**6))
def test_refused_events_change_nothing(history: History, pick: int) -> None:
    """The same history with an impossible event before each event gives the same actions."""
    wanted = live(history).said
    world = World(history, history.bench())
    for choice in history.choices:
        refuse_one(world, pick)
        world.step(*choice)
    world.drain()
    assert world.said == wanted


def refuse_one(world: World, pick: int) -> None:
    core, now, unit = world.bench.core, world.bench.now, pick % world.history.units
    wrong: list[Callable[[], object]] = [
        lambda: core.submit(now, len(world.history.apps)),
        lambda: core.stage_done(now, unit, 1 << 60, 0),
        lambda: core.stage_failed(now, world.history.units, 0, 0, retry=True),
        lambda: core.timer(-1),
        lambda: core.unit_down(now, unit) if unit in world.down else core.unit_up(now, unit),
    ]
    with pytest.raises(ValueError, match=r"isn't|runs|there is no|after one|already"):
        wrong[pick % len(wrong)]()
