"""What a runtime has done so far, and what it is at: plain numbers, taken at one moment."""

import os
from typing import Final

import msgspec

from hetsched.dispatch import Policy, StaticOrder
from hetsched.runtime.places import StagePlace
from hetsched.runtime.tally import Tally
from hetsched.trace.histogram import Distribution

SCHEMA: Final = 1


def policy_name(policy: Policy) -> str:
    """What people call a policy."""
    if isinstance(policy, str):
        return policy
    return "static" if isinstance(policy, StaticOrder) else getattr(policy, "__name__", "own")


class AppSnapshot(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An app.

    Attributes:
        name: as deployed.
        requests: how many came; the sum of the next six.
        completed: ended in time.
        missed: ended late.
        dropped: not run to their end.
        cancelled: nobody waited for them any more.
        failed: a stage failed.
        in_flight: haven't ended.
        waiting: of those, none of whose stages has started.
        latency: of those that were completed or missed, from submission to end.
        places: which units may run its stages, see `App.alternatives`.
    """

    name: str
    requests: int
    completed: int
    missed: int
    dropped: int
    cancelled: int
    failed: int
    in_flight: int
    waiting: int
    latency: Distribution
    places: tuple[StagePlace, ...] = ()

    @classmethod
    def of(
        cls, name: str, tally: Tally, waiting: int, places: tuple[StagePlace, ...] = ()
    ) -> "AppSnapshot":
        """An app with this tally."""
        return cls(
            name=name,
            requests=tally.requests,
            completed=tally.completed,
            missed=tally.missed,
            dropped=tally.dropped,
            cancelled=tally.cancelled,
            failed=tally.failed,
            in_flight=tally.in_flight,
            waiting=waiting,
            latency=tally.latencies(),
            places=places,
        )

    @property
    def miss_rate(self) -> float:
        """(missed + dropped + failed) of those that ended and weren't cancelled; 0 of none."""
        bad = self.missed + self.dropped + self.failed
        return bad / (bad + self.completed) if bad + self.completed else 0.0


class UnitSnapshot(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A unit.

    Attributes:
        name: unique in the runtime.
        backend: what executes there.
        status: `up`, or why it isn't, in one word.
        running: app and stage that it is at; empty when it is idle.
        busy_ns: how long it was at stages so far, with the one that it is at.
        stages: how many have ended well there.
        failures: how many have failed there.
        queued: how many ready stages wait for it, or for it and others.
    """

    name: str
    backend: str
    status: str
    running: str
    busy_ns: int
    stages: int
    failures: int
    queued: int


class Snapshot(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A runtime at one moment.

    Attributes:
        time_ns: of the moment; `time.perf_counter_ns()`.
        started_ns: when the runtime was opened, on the same clock.
        policy: which ready stage a free unit takes.
        apps: in the order of their deployment.
        units: in the runtime's order.
        pid: of the process.
        schema: version of this layout.
    """

    time_ns: int
    started_ns: int
    policy: str
    apps: tuple[AppSnapshot, ...]
    units: tuple[UnitSnapshot, ...]
    pid: int = msgspec.field(default_factory=os.getpid)
    schema: int = SCHEMA

    def utilization(self, older: "Snapshot | None" = None) -> dict[str, float]:
        """Share of the time that each unit was busy, since the start or an older snapshot."""
        before = {} if older is None else {unit.name: unit.busy_ns for unit in older.units}
        since_ns = self.started_ns if older is None else older.time_ns
        span_ns = max(1, self.time_ns - since_ns)
        return {
            unit.name: min(1.0, max(0, unit.busy_ns - before.get(unit.name, 0)) / span_ns)
            for unit in self.units
        }
