"""Words for tests of the dispatcher: apps by hand, events in turn, actions to compare."""

from collections.abc import Sequence
from typing import Any, TypeAlias

from hetsched._core import Dispatcher
from hetsched.dispatch import (
    FINISH,
    START,
    STATUSES,
    TIMER,
    Action,
    Policy,
    RequestStatus,
    StageNode,
    Terms,
    deploy,
    make_dispatcher,
)

Units: TypeAlias = int | tuple[tuple[int, int], ...]

COMPLETED, MISSED, DROPPED, CANCELLED, FAILED = STATUSES


def stage(units: Units, *after: int, ns: int = 10) -> StageNode:
    """On one unit for `ns`, or on several of (unit, ns); after some stages."""
    return StageNode(units=((units, ns),) if isinstance(units, int) else units, after=after)


def chain(*units: Units, ns: int = 10) -> tuple[StageNode, ...]:
    """One stage after the other."""
    return tuple(
        stage(each, *((index - 1,) if index else ()), ns=ns) for index, each in enumerate(units)
    )


CHAIN = chain(0, 1, 0)
FORK = (stage(0), stage(0, 0), stage(1, 0), stage(1, 1, 2))


def start(unit: int, request: int, stage: int) -> tuple[str, int, int, int]:
    return ("start", unit, request, stage)


def finish(request: int, status: RequestStatus) -> tuple[str, int, RequestStatus]:
    return ("finish", request, status)


def timer(at: int) -> tuple[str, int]:
    return ("timer", at)


def words(actions: Sequence[Action], number: dict[int, int] | None = None) -> list[tuple[Any, ...]]:
    """Actions as above; requests by the order of their arrival if told."""
    said: list[tuple[Any, ...]] = []
    for kind, unit, request, what in actions:
        called = request if number is None else number.get(request, request)
        if kind == START:
            said.append(start(unit, called, what))
        elif kind == FINISH:
            said.append(finish(called, STATUSES[what]))
        else:
            assert kind == TIMER
            said.append(timer(request))
    return said


class Bench:
    """A dispatcher whose requests are called 0, 1, 2, ... in the order of their arrival."""

    def __init__(
        self,
        *apps: tuple[StageNode, ...],
        units: int = 2,
        policy: Policy = "fifo",
        terms: Sequence[Terms] = (),
        turns: Sequence[int] = (),
    ) -> None:
        self.core: Dispatcher = make_dispatcher(units, policy)
        self.ids: list[int] = []
        self.number: dict[int, int] = {}
        self.now = 0
        for index, nodes in enumerate(apps):
            on = terms[index] if index < len(terms) else Terms()
            turn = turns[index] if index < len(turns) else -1
            assert deploy(self.core, nodes, on, turn) == index

    def at(self, now: int) -> "Bench":
        self.now = now
        return self

    def submit(self, app: int = 0, deadline: int = -1) -> list[tuple[Any, ...]]:
        request, actions = self.core.submit(self.now, app, deadline)
        self.number[request] = len(self.ids)
        self.ids.append(request)
        return words(actions, self.number)

    def done(self, unit: int, request: int, stage: int) -> list[tuple[Any, ...]]:
        actions = self.core.stage_done(self.now, unit, self.ids[request], stage)
        return words(actions, self.number)

    def failed(
        self, unit: int, request: int, stage: int, *, retry: bool = False
    ) -> list[tuple[Any, ...]]:
        actions = self.core.stage_failed(self.now, unit, self.ids[request], stage, retry)
        return words(actions, self.number)

    def cancel(self, request: int) -> list[tuple[Any, ...]]:
        return words(self.core.cancel(self.now, self.ids[request]), self.number)

    def timer(self) -> list[tuple[Any, ...]]:
        return words(self.core.timer(self.now), self.number)

    def down(self, unit: int) -> list[tuple[Any, ...]]:
        return words(self.core.unit_down(self.now, unit), self.number)

    def up(self, unit: int) -> list[tuple[Any, ...]]:
        return words(self.core.unit_up(self.now, unit), self.number)
