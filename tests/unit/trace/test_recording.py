"""A trace that grows: in its file at once, whole at its end, told when it can't be written."""

import logging
import time
from pathlib import Path

import pytest

from hetsched.errors import OutputExistsError, TraceError
from hetsched.trace.files import load_trace
from hetsched.trace.recording import Recording
from tests.unit.trace.samples import APPS, HEADER, ONE_REQUEST


def record_all(recording: Recording) -> None:
    for time_ns, request, value, kind, unit, app, stage, _ in ONE_REQUEST:
        recording.recorder.at(time_ns, kind, unit, app, request, stage, value)


def test_what_is_recorded_is_in_the_file(tmp_path: Path) -> None:
    recording = Recording(tmp_path / "x.trace", HEADER)
    recording.name_app(APPS[0])
    record_all(recording)
    recording.close()
    found = load_trace(tmp_path / "x.trace")
    assert [tuple(event) for event in found.events.tolist()] == list(ONE_REQUEST)
    assert (found.header, found.apps, found.is_complete) == (HEADER, APPS[:1], True)


def test_a_recording_can_be_read_while_it_grows(tmp_path: Path) -> None:
    recording = Recording(tmp_path / "x.trace", HEADER)
    recording.name_app(APPS[0])
    record_all(recording)
    while not len(load_trace(tmp_path / "x.trace").events):
        time.sleep(0.01)
    found = load_trace(tmp_path / "x.trace")
    recording.close()
    assert len(found.events) == len(ONE_REQUEST)
    assert not found.is_complete


def test_a_full_ring_loses_events_and_says_how_many(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    recording = Recording(tmp_path / "x.trace", HEADER, capacity=2)
    recording.name_app(APPS[0])
    with caplog.at_level(logging.WARNING):
        for _ in range(10):
            record_all(recording)
        recording.close()
    found = load_trace(tmp_path / "x.trace")
    assert len(found.events) + found.lost == 70
    assert found.lost == recording.lost > 0
    assert [record.event for record in caplog.records] == ["trace-lost"]  # type: ignore[attr-defined]  # of our records
    assert f"lacks {found.lost} events" in caplog.text


def test_an_existing_file_stays_unless_forced(tmp_path: Path) -> None:
    path = tmp_path / "x.trace"
    path.write_text("mine")
    with pytest.raises(OutputExistsError):
        Recording(path, HEADER)
    assert path.read_text() == "mine"
    Recording(path, HEADER, force=True).close()
    assert load_trace(path).is_complete


def test_a_folder_that_is_not_there_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(TraceError, match=r"x\.trace can't be written: No such file"):
        Recording(tmp_path / "no" / "x.trace", HEADER)


def test_a_full_disk_is_told_at_the_end_and_nobody_waits(
    caplog: pytest.LogCaptureFixture,
) -> None:
    # The device that is always full takes the file's place; writing the header fails at once.
    with pytest.raises(TraceError, match="/dev/full can't be written: No space left"):
        Recording(Path("/dev/full"), HEADER, force=True)


def test_a_disk_that_fills_up_ends_the_recording(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    recording = Recording(tmp_path / "x.trace", HEADER)

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("hetsched.trace.recording._write_all", fail)
    record_all(recording)
    with pytest.raises(TraceError, match="No space left"):
        recording.close()
    assert "ends here" in caplog.text
    assert not load_trace(tmp_path / "x.trace").is_complete
