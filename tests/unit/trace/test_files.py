"""Trace files: whole, interrupted, and wrong."""

from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hetsched.errors import OutputExistsError, TraceError
from hetsched.trace.events import EVENT, Kind
from hetsched.trace.files import (
    app_line,
    decode_trace,
    end_line,
    events_line,
    header_line,
    load_trace,
    save_trace,
)
from hetsched.trace.model import Trace
from tests.unit.trace.samples import APPS, HEADER, ONE_REQUEST, event, trace_of


def test_an_event_is_40_bytes_without_gaps() -> None:
    assert EVENT.itemsize == 40
    assert [EVENT.fields[name][1] for name in EVENT.names or ()] == [0, 8, 16, 24, 26, 28, 32, 36]  # type: ignore[index]  # fields are there


def test_what_is_saved_is_read(tmp_path: Path) -> None:
    path = tmp_path / "x.trace"
    save_trace(trace_of(ONE_REQUEST), path)
    found = load_trace(path)
    assert found.header == HEADER
    assert found.apps == APPS
    assert found.is_complete
    assert found.lost == 0
    np.testing.assert_array_equal(found.events, trace_of(ONE_REQUEST).events)
    assert found.span_ns == (1000, 4000)


def test_same_trace_same_bytes(tmp_path: Path) -> None:
    for name in "ab":
        save_trace(trace_of(ONE_REQUEST), tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_an_existing_file_stays_unless_forced(tmp_path: Path) -> None:
    path = tmp_path / "x.trace"
    path.write_text("mine")
    with pytest.raises(OutputExistsError, match=r"x\.trace exists"):
        save_trace(trace_of(ONE_REQUEST), path)
    assert path.read_text() == "mine"
    save_trace(trace_of(ONE_REQUEST), path, force=True)
    assert len(load_trace(path).events) == 7


def test_nothing_is_left_of_what_could_not_be_written(tmp_path: Path) -> None:
    with pytest.raises(TraceError, match=r"x.trace can't be written: No such file or directory"):
        save_trace(trace_of(ONE_REQUEST), tmp_path / "no" / "x.trace")
    assert list(tmp_path.iterdir()) == []


def pieces() -> list[bytes]:
    """A recording of two blocks; 3 events got lost around the second."""
    rows = trace_of(ONE_REQUEST).events
    return [
        header_line(HEADER),
        app_line(APPS[0]),
        events_line(3),
        rows[:3].tobytes(),
        app_line(APPS[1]),
        events_line(4, lost=3),
        rows[3:].tobytes(),
        end_line(7),
    ]


def test_blocks_are_put_together() -> None:
    found = decode_trace(b"".join(pieces()))
    np.testing.assert_array_equal(found.events, trace_of(ONE_REQUEST).events)
    assert (found.apps, found.lost, found.is_complete) == (APPS, 3, True)


@given(st.data())
def test_an_interrupted_file_is_read_up_to_its_last_whole_event(data: st.DataObject) -> None:
    whole = b"".join(pieces())
    cut = data.draw(st.integers(len(pieces()[0]), len(whole) - 1))
    found = decode_trace(whole[:cut])
    assert not found.is_complete
    events = trace_of(ONE_REQUEST).events
    np.testing.assert_array_equal(found.events, events[: len(found.events)])
    # 3 events once the first block is whole; all 7 when only the end is missing.
    sizes = np.cumsum([len(piece) for piece in pieces()])
    assert len(found.events) >= 3 * (cut >= sizes[3])
    assert (len(found.events) == 7) == (cut >= sizes[6])


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", 'its first line has no "format": "hetsched-trace"'),
        (b"hello\n", 'its first line has no "format": "hetsched-trace"'),
        (b"\xff\xfe\n", 'its first line has no "format": "hetsched-trace"'),
        (b'{"traceEvents": []}\n', 'its first line has no "format"'),
        (
            header_line(msgspec.structs.replace(HEADER, schema=9)),
            "x.trace has schema 9: this version reads 1",
        ),
        (header_line(HEADER).replace(b'"run"', b'"dreamt"'), "header: .*'dreamt' in origin"),
        (header_line(HEADER).replace(b'"clock"', b'"watch"'), "unknown key 'watch'|missing key"),
        (header_line(HEADER) + b"what\n", "malformed"),
        (
            header_line(HEADER) + b'{"stages": 1}\n',
            "unknown key 'stages': accepted are app",
        ),
        (header_line(HEADER) + b"{}\n", "a block has one of app, events and end"),
        (header_line(HEADER) + events_line(-1), "events is -1"),
        (header_line(HEADER) + end_line(1), "end is 1, but there are 0 events"),
        (header_line(HEADER) + end_line(0) + end_line(0), "there is more after its end"),
        (header_line(HEADER) + app_line(APPS[0]) * 2, "app.number 0 is there twice"),
    ],
)
def test_a_wrong_file_is_refused_by_what_is_wrong(data: bytes, message: str) -> None:
    with pytest.raises(TraceError, match=message):
        decode_trace(data, "x.trace")


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (
            event(1, Kind.STARTED, request=1, app=0, stage=0, unit=2),
            "event 1 has unit 2: .* to 1",
        ),
        (
            event(1, Kind.STARTED, request=1, app=5, stage=0, unit=0),
            "has app 5: .*-1 or 0, 1",
        ),
        (event(1, Kind.STARTED, request=1, app=0, stage=2, unit=0), "has stage 2: .*-1 to 1"),
        (event(1, Kind.HOST_STARTED, request=1, app=1, stage=1), "has stage 1: .*-1 to 0"),
        (event(1, Kind.HOST_STARTED, request=1, app=0, stage=0), "has stage 0: .*are -1 to -1"),
        (event(1, Kind.FINISHED, request=1, app=0, value=5), "has value 5: .*0 to 4 of a status"),
        (event(1, Kind.FINISHED, request=-2, app=0, value=0), "has request -2"),
        ((1, 1, 1, 99, -1, 0, 0, 0), "has kind 99: .* 0 to 14"),
        ((1, 1, 1, 1, 0, 0, 0, 7), "has _pad 7"),
    ],
)
def test_a_wrong_event_is_refused_by_its_field(row: tuple[int, ...], message: str) -> None:
    trace: Trace = trace_of([ONE_REQUEST[0], row])
    data = b"".join([header_line(HEADER), *map(app_line, APPS), events_line(2)])
    with pytest.raises(TraceError, match=message):
        decode_trace(data + trace.events.tobytes())


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(TraceError, match=r"no\.trace can't be read: No such file"):
        load_trace(tmp_path / "no.trace")


@given(st.binary(max_size=300))
def test_random_bytes_are_refused_or_read(tail: bytes) -> None:
    for data in (tail, header_line(HEADER) + tail):
        try:
            decode_trace(data)
        except TraceError:
            continue
