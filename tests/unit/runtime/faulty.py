"""Backends that die, and what tests of faults are about."""

import asyncio
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from hetsched.errors import UnitDownError
from hetsched.runtime import App, Runtime, RuntimeUnit
from hetsched.runtime.faults import FaultEvent, Faults, UnitStatus
from tests.unit.runtime.fakes import FakeBackend, make_model, op
from tests.unit.runtime.plans import plan_of

X = np.array([1, -2, 3, -4], np.float32)


MODEL = make_model([op("a", "Neg", "x", "t"), op("b", "Abs", "t", "y")], outputs=["y"])
"""y = |x|."""


TWO = plan_of(MODEL, [("cpu", "a"), ("cpu", "b")])


ONE = plan_of(MODEL, [("cpu", "ab")])


QUICK = Faults(wait_ns=1_000_000, longest_wait_ns=4_000_000)


@dataclass(slots=True, kw_only=True)
class MortalBackend(FakeBackend):
    """Can be brought back.

    Attributes:
        revive_with: called to bring it back; may raise.
        revived: threads that did.
    """

    revive_with: Callable[[], None] = lambda: None
    revived: list[str] = field(default_factory=list)

    def revive(self) -> None:
        self.revived.append(threading.current_thread().name)
        self.revive_with()


class Script:
    """What becomes of a stage's runs: an error to raise for each, None for all's well."""

    def __init__(self, **errors: list[Exception | None]) -> None:
        self.errors = errors

    def __call__(self, stage: str) -> None:
        left = self.errors.get(stage)
        if left and (error := left.pop(0)) is not None:
            raise error


def units(*backends: FakeBackend) -> list[RuntimeUnit]:
    return [RuntimeUnit(name=each.name, backend=each) for each in backends]


async def deployed(runtime: Runtime, **how: object) -> App:
    how = {"alternatives": "all", **how}
    return await runtime.deploy(TWO, name="a", model=MODEL, **how)  # type: ignore[arg-type]


async def status_is(runtime: Runtime, unit: str, status: UnitStatus) -> None:
    while runtime.units_state()[unit].status is not status:
        await asyncio.sleep(0.001)


def kinds(told: list[FaultEvent]) -> list[tuple[str, str]]:
    return [(event.kind, event.unit) for event in told]


DOWN = UnitDownError("the driver crashed")


def wait_for(event: threading.Event) -> None:
    assert event.wait(60)
