"""Events as tables, and stories that contradict themselves."""

from collections.abc import Sequence

import numpy as np
import pytest

from hetsched.trace.events import NONE, Kind
from hetsched.trace.story import contradictions
from hetsched.trace.tables import requests, runs, tallies
from tests.unit.trace.samples import ONE_REQUEST, event, trace_of

FAILS_ONCE = (
    event(1, Kind.SUBMITTED, request=1, app=1),
    event(2, Kind.STARTED, request=1, app=1, stage=0, unit=0),
    event(5, Kind.FAILED, request=1, app=1, stage=0, unit=0, value=1),
    event(6, Kind.STARTED, request=1, app=1, stage=0, unit=1),
    event(9, Kind.ENDED, request=1, app=1, stage=0, unit=1),
    event(9, Kind.FINISHED, request=1, app=1, value=1),
)
CANCELLED = (
    event(1, Kind.SUBMITTED, request=1, app=1),
    event(2, Kind.STARTED, request=1, app=1, stage=0, unit=0),
    event(3, Kind.FINISHED, request=1, app=1, value=3),
    event(5, Kind.ENDED, request=1, app=1, stage=0, unit=0),
)
UNIT_GOES_DOWN = (
    event(1, Kind.SUBMITTED, request=1, app=1),
    event(2, Kind.STARTED, request=1, app=1, stage=0, unit=0),
    event(4, Kind.UNIT_DOWN, unit=0),
    event(5, Kind.STARTED, request=1, app=1, stage=0, unit=1),
    event(7, Kind.ENDED, request=1, app=1, stage=0, unit=1),
    event(7, Kind.FINISHED, request=1, app=1, value=0),
)


def test_a_request_is_a_row() -> None:
    [row] = requests(trace_of(ONE_REQUEST)).tolist()
    assert row == (7, 0, 0, 2000, 50_000, 4000)


def test_requests_in_flight_and_those_from_before() -> None:
    rows = [
        event(1, Kind.FINISHED, request=4, app=0, value=0),  # submitted before the recording
        event(3, Kind.SUBMITTED, request=9, app=0),
        event(2, Kind.SUBMITTED, request=6, app=1),
        event(4, Kind.FINISHED, request=9, app=0, value=2),
    ]
    found = requests(trace_of(rows))
    assert found[["request", "status", "finished_ns"]].tolist() == [(6, NONE, NONE), (9, 2, 4)]
    zero = dict.fromkeys(("completed", "missed", "dropped", "cancelled", "failed", "in_flight"), 0)
    assert tallies(trace_of(rows)) == {
        "ocr": {"requests": 1, **zero, "dropped": 1},
        "vad": {"requests": 1, **zero, "in_flight": 1},
    }


def test_a_request_that_was_computed_anew_is_one() -> None:
    rows = [
        event(1, Kind.SUBMITTED, request=4, app=0),
        event(3, Kind.RESTARTED, request=4, app=0, value=5),
        event(1, Kind.SUBMITTED, request=5, app=0),
        event(9, Kind.FINISHED, request=5, app=0, value=0),
    ]
    found = requests(trace_of(rows))
    assert found[["request", "submitted_ns", "finished_ns"]].tolist() == [(5, 1, 9)]


def test_nothing_is_no_rows() -> None:
    assert len(requests(trace_of([]))) == len(runs(trace_of([]))) == 0


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (ONE_REQUEST, [(2100, 2900, 0, 0, Kind.ENDED), (3000, 3800, 1, 1, Kind.ENDED)]),
        (FAILS_ONCE, [(2, 5, 0, 0, Kind.FAILED), (6, 9, 1, 0, Kind.ENDED)]),
        (UNIT_GOES_DOWN, [(2, 4, 0, 0, Kind.UNIT_DOWN), (5, 7, 1, 0, Kind.ENDED)]),
        # The end got lost: the next start on the unit ends it; the last one ends with the trace.
        (
            [
                event(1, Kind.STARTED, request=1, app=1, stage=0, unit=0),
                event(5, Kind.STARTED, request=2, app=1, stage=0, unit=0),
                event(8, Kind.SUBMITTED, request=3, app=1),
            ],
            [(1, 5, 0, 0, NONE), (5, 8, 0, 0, NONE)],
        ),
    ],
)
def test_runs_of_stages(rows: Sequence[tuple[int, ...]], expected: list[tuple[int, ...]]) -> None:
    found = runs(trace_of(rows))
    assert found[["start_ns", "end_ns", "unit", "stage", "outcome"]].tolist() == expected


@pytest.mark.parametrize("rows", [ONE_REQUEST, FAILS_ONCE, CANCELLED, UNIT_GOES_DOWN])
def test_whole_stories_have_no_contradiction(rows: Sequence[tuple[int, ...]]) -> None:
    assert list(contradictions(trace_of(rows))) == []


def changed(at: int, **fields: int) -> list[tuple[int, ...]]:
    """ONE_REQUEST with an event changed."""
    events = trace_of(ONE_REQUEST).events.copy()
    for name, value in fields.items():
        events[name][at] = value
    return [tuple(row) for row in events.tolist()]


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        ([*ONE_REQUEST, ONE_REQUEST[1]], "request 7 is submitted twice"),
        ([*ONE_REQUEST, ONE_REQUEST[-1]], "FINISHED after it was completed"),
        ([*CANCELLED, CANCELLED[2]], "finished twice: cancelled, then cancelled"),
        (changed(4, stage=0), "stage 0 starts again after its end"),
        (changed(3, unit=1), "stage 0 ENDED on unit 1, but runs on 0"),
        (changed(3, kind=int(Kind.COPIED)), "completed after 1 of 2 stages"),
        (changed(3, app=1), "is of app 0, then of app 1"),
        (changed(3, time_ns=2050), "stage 0 ENDED on unit 0, but runs on None"),
        ([*FAILS_ONCE[:2], FAILS_ONCE[3]], "stage 0 starts while it runs"),
    ],
)
def test_contradictions_are_told(rows: Sequence[tuple[int, ...]], why: str) -> None:
    assert any(why in told for told in contradictions(trace_of(rows)))


def test_deadlines_are_since_the_submission() -> None:
    assert np.all(requests(trace_of(ONE_REQUEST))["deadline_ns"] == 50_000)
