"""Recording an engine's events into a file, while it runs."""

import time
from datetime import UTC, datetime
from pathlib import Path

from hetsched import __version__
from hetsched.runtime.engine import Engine
from hetsched.trace.model import TraceHeader, TraceUnit
from hetsched.trace.recording import Recording


def begin(engine: Engine, policy: str, path: str | Path, *, force: bool = False) -> Recording:
    """Record everything from now on.

    Raises:
        RunError: naming the file that is being recorded into already.
        OutputExistsError: when the file exists and `force` isn't set.
        TraceError: when it can't be written.
    """
    engine.refuse_second_trace()
    units = (TraceUnit(name=unit.name, backend=unit.backend.name) for unit in engine.units)
    header = TraceHeader(
        origin="run",
        clock="monotonic",
        units=tuple(units),
        versions={"hetsched": __version__},
        started_ns=time.perf_counter_ns(),
        started_at=datetime.now(UTC).isoformat(timespec="milliseconds"),
        about={"policy": policy},
    )
    recording = Recording(Path(path), header, force=force)
    engine.trace(recording)
    return recording


def end(engine: Engine) -> None:
    """Record no more; the file is whole when this returns.

    Raises:
        TraceError: when not everything could be written.
    """
    recording = engine.untrace()
    if recording is not None:
        recording.close()
