"""Small traces made by hand."""

from collections.abc import Sequence

import numpy as np

from hetsched.trace.events import EVENT, NONE, Kind
from hetsched.trace.model import Trace, TraceApp, TraceHeader, TraceUnit

HEADER = TraceHeader(
    origin="run",
    clock="monotonic",
    units=(TraceUnit(name="big", backend="ort"), TraceUnit(name="npu", backend="null")),
    versions={"hetsched": "0.1.0"},
    started_ns=1000,
    started_at="2026-01-02T03:04:05+00:00",
)
APPS = (
    TraceApp(number=0, name="ocr", stages=("s0", "s1")),
    TraceApp(number=1, name="vad", stages=("s0",), host_stages=("scale",)),
)


def event(
    time_ns: int,
    kind: Kind,
    *,
    request: int = NONE,
    app: int = NONE,
    stage: int = NONE,
    unit: int = NONE,
    value: int = NONE,
) -> tuple[int, ...]:
    return (time_ns, request, value, int(kind), unit, app, stage, 0)


def trace_of(rows: Sequence[tuple[int, ...]], apps: tuple[TraceApp, ...] = APPS) -> Trace:
    return Trace(header=HEADER, apps=apps, events=np.array(list(rows), EVENT))


ONE_REQUEST = (
    event(1000, Kind.DEPLOYED, app=0, value=0),
    event(2000, Kind.SUBMITTED, request=7, app=0, value=50_000),
    event(2100, Kind.STARTED, request=7, app=0, stage=0, unit=0),
    event(2900, Kind.ENDED, request=7, app=0, stage=0, unit=0),
    event(3000, Kind.STARTED, request=7, app=0, stage=1, unit=1),
    event(3800, Kind.ENDED, request=7, app=0, stage=1, unit=1),
    event(4000, Kind.FINISHED, request=7, app=0, value=0),
)
"""`ocr` runs its two stages on `big` and `npu`; 2 us from its submission to its end."""
