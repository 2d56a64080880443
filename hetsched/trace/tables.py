"""Events as tables: one row per request, one per run of a stage."""

import numpy as np

from hetsched.dispatch import STATUSES
from hetsched.trace.events import NONE, Kind
from hetsched.trace.model import Trace

REQUEST = np.dtype(
    [
        ("request", "<i8"),
        ("app", "<i4"),
        ("status", "<i4"),
        ("submitted_ns", "<i8"),
        ("deadline_ns", "<i8"),
        ("finished_ns", "<i8"),
    ]
)
"""A request: `status` is an index in `hetsched.dispatch.STATUSES`, -1 while it is in flight;
`deadline_ns` is since its submission, -1 for none; `finished_ns` is -1 while it is in flight."""

RUN = np.dtype(
    [
        ("start_ns", "<i8"),
        ("end_ns", "<i8"),
        ("request", "<i8"),
        ("app", "<i4"),
        ("stage", "<i4"),
        ("unit", "<i4"),
        ("outcome", "<i4"),
    ]
)
"""A stage on a unit: `outcome` is the kind of the event that ended it (ENDED, FAILED or UNIT_DOWN),
or -1 when the trace ends, or lost events, before that; the row then ends there."""

STATUS_NAMES = tuple(map(str, STATUSES))
"""In words, by the number that a row has."""

_STOPS = (Kind.ENDED, Kind.FAILED, Kind.UNIT_DOWN)


def requests(trace: Trace) -> np.ndarray:
    """Rows of `REQUEST`, (N,), in the order of submission; those submitted before are left out.

    One that was computed anew has one row, of its last number.
    """
    events = trace.events
    anew = events["request"][events["kind"] == Kind.RESTARTED]
    came = events[(events["kind"] == Kind.SUBMITTED) & ~np.isin(events["request"], anew)]
    ended = events[events["kind"] == Kind.FINISHED]
    rows = np.empty(len(came), REQUEST)
    for name, field in (("request", "request"), ("app", "app"), ("submitted_ns", "time_ns")):
        rows[name] = came[field]
    rows["deadline_ns"] = came["value"]
    rows["status"] = rows["finished_ns"] = NONE
    _, mine, its = np.intersect1d(came["request"], ended["request"], return_indices=True)
    rows["status"][mine] = ended["value"][its]
    rows["finished_ns"][mine] = ended["time_ns"][its]
    return rows[np.argsort(rows["submitted_ns"], kind="stable")]


def runs(trace: Trace) -> np.ndarray:
    """Rows of `RUN`, (N,), unit by unit, in the order of their starts."""
    end_ns = trace.span_ns[1]
    found = [_runs_on(trace.events, unit, end_ns) for unit in range(len(trace.header.units))]
    return np.concatenate([np.empty(0, RUN), *found])


def _runs_on(events: np.ndarray, unit: int, end_ns: int) -> np.ndarray:
    """A unit runs one stage at a time: a start belongs to the stop that follows it."""
    is_its = (events["unit"] == unit) & np.isin(events["kind"], (Kind.STARTED, *_STOPS))
    mine = events[is_its]
    mine = mine[np.argsort(mine["time_ns"], kind="stable")]
    starts = np.flatnonzero(mine["kind"] == Kind.STARTED)
    stops = np.append(mine, np.array([(end_ns, NONE, NONE, NONE, unit, NONE, NONE, 0)], mine.dtype))
    stop = stops[starts + 1]
    rows = np.empty(len(starts), RUN)
    for name in ("request", "app", "stage", "unit"):
        rows[name] = mine[name][starts]
    rows["start_ns"], rows["end_ns"] = mine["time_ns"][starts], stop["time_ns"]
    is_told = np.isin(stop["kind"], _STOPS)
    rows["outcome"] = np.where(is_told, stop["kind"], NONE)
    return rows


def tallies(trace: Trace) -> dict[str, dict[str, int]]:
    """Per app's name: `requests`, how many ended in each status, and `in_flight`."""
    table = requests(trace)
    names = {app.number: app.name for app in trace.apps}
    found = {name: dict.fromkeys(_COUNTED, 0) for name in dict.fromkeys(names.values())}
    pairs, counts = np.unique(table[["app", "status"]], return_counts=True)
    for (app, status), count in zip(pairs.tolist(), counts.tolist(), strict=True):
        counted = found[names[app]]
        counted["requests"] += count
        counted["in_flight" if status == NONE else STATUS_NAMES[status]] += count
    return found


_COUNTED = ("requests", *STATUS_NAMES, "in_flight")
