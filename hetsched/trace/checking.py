"""Whether events are what their trace's header and apps allow."""

import numpy as np

from hetsched.dispatch import STATUSES
from hetsched.trace.events import NONE, Kind
from hetsched.trace.model import Trace

_OF_HOST = (Kind.HOST_STARTED, Kind.HOST_ENDED)


def wrong_event(trace: Trace) -> str | None:
    """What is wrong with the first event that can't be, naming its field; None when all can."""
    events = trace.events
    units = len(trace.header.units)
    known = np.array([NONE, *sorted(trace.app)])
    is_end = events["kind"] == Kind.FINISHED
    checks = (
        ("kind", _outside(events["kind"], 0, len(Kind)), f"0 to {len(Kind) - 1}"),
        ("unit", _outside(events["unit"], NONE, units), f"-1 to {units - 1}"),
        ("app", ~np.isin(events["app"], known), f"-1 or {', '.join(map(str, known[1:]))}"),
        ("request", events["request"] < NONE, "-1 and up"),
        ("value", is_end & _outside(events["value"], 0, len(STATUSES)), "0 to 4 of a status"),
        ("_pad", events["_pad"] != 0, "0"),
    )
    for field, is_wrong, accepted in checks:
        if is_wrong.any():
            return _told(trace, field, int(is_wrong.argmax()), accepted)
    return _wrong_stage(trace)


def _outside(values: np.ndarray, low: int, end: int | np.ndarray) -> np.ndarray:
    return np.asarray((values < low) | (values >= end))


def _wrong_stage(trace: Trace) -> str | None:
    """The apps are known by now. No app has no stages."""
    stages = np.zeros((2, max(trace.app, default=NONE) + 2), np.int64)
    for app in trace.apps:
        stages[:, app.number] = len(app.stages), len(app.host_stages)
    of_host = np.isin(trace.events["kind"], _OF_HOST)
    counts = stages[of_host.astype(np.intp), trace.events["app"]]
    is_wrong = _outside(trace.events["stage"], NONE, counts)
    if not is_wrong.any():
        return None
    at = int(is_wrong.argmax())
    return _told(trace, "stage", at, f"-1 to {counts[at] - 1}")


def _told(trace: Trace, field: str, at: int, accepted: str) -> str:
    return f"event {at} has {field} {trace.events[field][at]}: accepted are {accepted}"
