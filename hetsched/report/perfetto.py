"""A trace as Chrome's trace events in JSON, which ui.perfetto.dev opens.

One track per unit with its stages, one per app with the moments at which requests came, an arrow
from there through the request's stages, one span per request, and counters: requests in flight and
waiting per app, and what a simulation tells of clock rates, heat and power.

Source: "Trace Event Format" (Chromium project): phases M, X, b/e, s/t/f, C and i; times in us.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final, TypeAlias

import msgspec
import numpy as np

from hetsched.trace.events import NONE, Kind
from hetsched.trace.files import new_file
from hetsched.trace.model import Trace
from hetsched.trace.tables import STATUS_NAMES, requests, runs

Row: TypeAlias = dict[str, Any]

UNITS: Final = 1
"""Number of the process whose threads are the units."""
APPS: Final = 2
"""Number of the process whose threads are the apps."""

_METERS = {
    Kind.FREQUENCY: ("clock rate", "MHz", 1e-6),
    Kind.TEMPERATURE: ("temperature", "C", 1e-3),
    Kind.POWER: ("power", "mW", 1.0),
}


def save_perfetto(trace: Trace, path: str | Path, *, force: bool = False) -> None:
    """Write a trace's events for Perfetto; the whole file or nothing.

    Raises:
        OutputExistsError: when the file exists and `force` isn't set.
        TraceError: when the folder can't be written to.
    """
    encode = msgspec.json.Encoder().encode
    about = {**trace.header.about, "origin": trace.header.origin, "lost": trace.lost}
    with new_file(Path(path), force=force) as file:
        file.write(b'{"displayTimeUnit": "ns", "otherData": %b, "traceEvents": [' % encode(about))
        separator = b"\n"
        for row in perfetto_rows(trace):
            file.write(separator + encode(row))
            separator = b",\n"
        file.write(b"\n]}\n")


def perfetto_rows(trace: Trace) -> Iterator[Row]:
    """The events, without the frame around them."""
    start_ns = trace.span_ns[0]
    apps = {app.number: app.name for app in trace.apps}
    tracks = {name: at for at, name in enumerate(dict.fromkeys(apps.values()), 1)}
    app_track = {number: tracks[name] for number, name in apps.items()}
    ran = runs(trace)
    yield from _names(trace, tracks)
    yield from _stages(trace, ran, start_ns)
    yield from _requests(trace, app_track, start_ns)
    yield from _arrows(trace, ran, app_track, start_ns)
    yield from _load(trace, apps, start_ns)
    yield from _others(trace, app_track, start_ns)


def _us(time_ns: int, start_ns: int) -> float:
    return (int(time_ns) - start_ns) / 1000


def _names(trace: Trace, tracks: dict[str, int]) -> Iterator[Row]:
    threads = {
        UNITS: [(at, unit.name) for at, unit in enumerate(trace.header.units, 1)],
        APPS: [(track, name) for name, track in tracks.items()],
    }
    for process, name in ((UNITS, "units"), (APPS, "apps")):
        yield _meta("process_name", process, 0, name=name)
        yield _meta("process_sort_index", process, 0, sort_index=process)
        for thread, thread_name in threads[process]:
            yield _meta("thread_name", process, thread, name=thread_name)
            yield _meta("thread_sort_index", process, thread, sort_index=thread)


def _meta(what: str, process: int, thread: int, **args: str | int) -> Row:
    return {"ph": "M", "name": what, "pid": process, "tid": thread, "args": args}


def _stages(trace: Trace, ran: np.ndarray, start_ns: int) -> Iterator[Row]:
    outcomes = {int(kind): kind.name.lower() for kind in Kind}
    for row in ran:
        app = trace.app[int(row["app"])]
        yield {
            "ph": "X",
            "cat": "stage",
            "name": f"{app.name} {app.stages[row['stage']]}",
            "pid": UNITS,
            "tid": int(row["unit"]) + 1,
            "ts": _us(row["start_ns"], start_ns),
            "dur": _us(row["end_ns"], int(row["start_ns"])),
            "args": {
                "request": int(row["request"]),
                "outcome": outcomes.get(int(row["outcome"]), "unknown"),
            },
        }


def _requests(trace: Trace, app_track: dict[int, int], start_ns: int) -> Iterator[Row]:
    end_ns = trace.span_ns[1]
    for row in requests(trace):
        number, app = int(row["request"]), int(row["app"])
        is_over = row["status"] != NONE
        status = STATUS_NAMES[row["status"]] if is_over else "in flight"
        common = {"pid": APPS, "tid": app_track[app], "cat": "request"}
        name = f"{trace.app[app].name}, {status}"
        came = _us(row["submitted_ns"], start_ns)
        args = {"request": number, "deadline_us": _deadline_us(row)}
        yield {**common, "ph": "X", "name": "request", "ts": came, "dur": 0, "args": args}
        span = {**common, "name": name, "id": number}
        yield {**span, "ph": "b", "ts": came, "args": {**args, "status": status}}
        yield {**span, "ph": "e", "ts": _us(row["finished_ns"] if is_over else end_ns, start_ns)}


def _deadline_us(row: np.void) -> float | None:
    return None if row["deadline_ns"] < 0 else int(row["deadline_ns"]) / 1000


def _arrows(
    trace: Trace, ran: np.ndarray, app_track: dict[int, int], start_ns: int
) -> Iterator[Row]:
    """From where a request came through its stages in the order of their starts."""
    came = {int(row["request"]): row for row in requests(trace)}
    ran = ran[np.lexsort((ran["start_ns"], ran["request"]))]
    bounds = np.flatnonzero(np.diff(ran["request"])) + 1
    for group in np.split(ran, bounds):
        if not len(group) or int(group["request"][0]) not in came:
            continue
        request = came[int(group["request"][0])]
        arrow = {"cat": "request", "name": "request", "id": int(request["request"])}
        yield {
            **arrow,
            "ph": "s",
            "pid": APPS,
            "tid": app_track[int(request["app"])],
            "ts": _us(request["submitted_ns"], start_ns),
        }
        for at, row in enumerate(group, 1):
            place = {"pid": UNITS, "tid": int(row["unit"]) + 1}
            end = {"ph": "f", "bp": "e"} if at == len(group) else {"ph": "t"}
            yield {**arrow, **end, **place, "ts": _us(row["start_ns"], start_ns)}


def _load(trace: Trace, apps: dict[int, str], start_ns: int) -> Iterator[Row]:
    """Requests that wait for their first stage, and those that are beyond it, per app."""
    counts = {name: {"waiting": 0, "started": 0} for name in apps.values()}
    state: dict[int, str] = {}
    events = trace.events
    for event in _by_time(events[np.isin(events["kind"], _LOADS)]):
        kind, request, name = event["kind"], int(event["request"]), apps[int(event["app"])]
        before = state.pop(request, None)
        if kind != Kind.SUBMITTED and before is None:
            continue  # it came before the recording began
        after = {Kind.SUBMITTED: "waiting", Kind.STARTED: "started"}.get(Kind(kind))
        if after is not None:
            state[request] = after
            counts[name][after] += 1
        if before is not None:
            counts[name][before] -= 1
        if before != after:
            yield _counter(f"{name} requests", APPS, event, start_ns, **counts[name])


_LOADS = (Kind.SUBMITTED, Kind.STARTED, Kind.FINISHED)


def _others(trace: Trace, app_track: dict[int, int], start_ns: int) -> Iterator[Row]:
    """Units that go down and come up, new plans, and what a simulation tells of a SoC."""
    names = [unit.name for unit in trace.header.units]
    events = trace.events
    for event in _by_time(events[np.isin(events["kind"], (*_MARKS, *_METERS))]):
        kind, unit = Kind(event["kind"]), int(event["unit"])
        if kind in _METERS:
            what, measure, factor = _METERS[kind]
            of = names[unit] if unit != NONE else "SoC"
            value = {measure: int(event["value"]) * factor}
            yield _counter(f"{of} {what}", UNITS, event, start_ns, **value)
            continue
        place = (APPS, app_track[int(event["app"])]) if unit == NONE else (UNITS, unit + 1)
        name = kind.name.lower().replace("_", " ")
        mark = {"ph": "i", "s": "t", "cat": "mark", "name": name, "pid": place[0], "tid": place[1]}
        yield {**mark, "ts": _us(event["time_ns"], start_ns)}


_MARKS = (Kind.UNIT_DOWN, Kind.UNIT_UP, Kind.DEPLOYED, Kind.FAILED)


def _counter(name: str, process: int, event: np.void, start_ns: int, **values: float) -> Row:
    time_us = _us(event["time_ns"], start_ns)
    return {"ph": "C", "name": name, "pid": process, "tid": 0, "ts": time_us, "args": values}


def _by_time(events: np.ndarray) -> Iterable[np.void]:
    return iter(events[np.argsort(events["time_ns"], kind="stable")])
