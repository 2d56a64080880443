"""A trace in memory: who is in it, and what happened."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Literal

import msgspec
import numpy as np

FORMAT: Final = "hetsched-trace"
SCHEMA: Final = 1


class TraceUnit(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A unit; its number in events is its place in the header.

    Attributes:
        name: the runtime's or the profile's.
        backend: what executes there; empty in a simulation.
    """

    name: str
    backend: str = ""


class TraceApp(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An app, or one of the plans that it ran one after the other.

    Attributes:
        number: what events call it; every plan of an app has one of its own.
        name: the app's.
        stages: ids, in the plan's order.
        host_stages: names, those before the model first.
    """

    number: int
    name: str
    stages: tuple[str, ...]
    host_stages: tuple[str, ...] = ()


class TraceHeader(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a trace is of.

    Attributes:
        format: always `hetsched-trace`.
        schema: version of the file's layout.
        origin: `run` for what was measured, `simulated` for what was computed.
        clock: of the events: `monotonic` or `virtual`.
        units: in the order of their numbers.
        profile: name of the SoC that was simulated or emulated; None for this machine.
        started_ns: the clock's time when recording began.
        started_at: the same as wall-clock time, ISO 8601; None in a simulation, whose bytes are
            the same for the same seed.
        versions: of hetsched, and of what executed.
        about: other facts, such as a simulation's policy and seed.
    """

    origin: Literal["run", "simulated"]
    clock: Literal["monotonic", "virtual"]
    units: tuple[TraceUnit, ...]
    versions: Mapping[str, str]
    profile: str | None = None
    started_ns: int = 0
    started_at: str | None = None
    about: Mapping[str, str] = {}
    format: Literal["hetsched-trace"] = FORMAT
    schema: int = SCHEMA


@dataclass(frozen=True, kw_only=True, eq=False)
class Trace:
    """Ordered events of a run or a simulation.

    Attributes:
        header: what it is of.
        apps: in the order of their numbers.
        events: dtype `EVENT`, (N,), as they were recorded; by their times, and those of the same
            time in this order, they tell each request's and each unit's story.
        lost: how many events there was no room for.
        is_complete: False when recording was interrupted: what came last is missing.
    """

    header: TraceHeader
    apps: tuple[TraceApp, ...]
    events: np.ndarray
    lost: int = 0
    is_complete: bool = True

    @cached_property
    def app(self) -> Mapping[int, TraceApp]:
        """Apps by number."""
        return {app.number: app for app in self.apps}

    @property
    def span_ns(self) -> tuple[int, int]:
        """Times of the first and the last event; those of the header's start when there is none."""
        if not len(self.events):
            return self.header.started_ns, self.header.started_ns
        times = self.events["time_ns"]
        return int(times.min()), int(times.max())
