"""Perfetto's JSON, read back by its published rules."""

import json
from pathlib import Path
from typing import Any

import pytest

from hetsched.errors import OutputExistsError
from hetsched.report.perfetto import APPS, UNITS, perfetto_rows, save_perfetto
from hetsched.trace.events import Kind
from tests.unit.trace.samples import ONE_REQUEST, event, trace_of

TWO_REQUESTS = (
    *ONE_REQUEST,
    event(2500, Kind.SUBMITTED, request=8, app=1),
    event(3500, Kind.STARTED, request=8, app=1, stage=0, unit=0),
    event(3600, Kind.FAILED, request=8, app=1, stage=0, unit=0, value=0),
    event(3600, Kind.FINISHED, request=8, app=1, value=4),
    event(3700, Kind.UNIT_DOWN, unit=0),
    event(3750, Kind.TEMPERATURE, value=45_500),
    event(3900, Kind.SUBMITTED, request=9, app=0),
)
NEEDED = {
    "M": {"name", "pid", "tid", "args"},
    "X": {"name", "cat", "pid", "tid", "ts", "dur"},
    "b": {"name", "cat", "pid", "tid", "ts", "id"},
    "e": {"name", "cat", "pid", "tid", "ts", "id"},
    "s": {"name", "cat", "pid", "tid", "ts", "id"},
    "t": {"name", "cat", "pid", "tid", "ts", "id"},
    "f": {"name", "cat", "pid", "tid", "ts", "id", "bp"},
    "C": {"name", "pid", "ts", "args"},
    "i": {"name", "pid", "tid", "ts", "s"},
}
"""Fields of each phase, by Chromium's description of its trace event format."""


def read(path: Path) -> list[dict[str, Any]]:
    """What any reader checks: fields, pairs, arrows that begin and end in slices."""
    rows: list[dict[str, Any]] = json.loads(path.read_text())["traceEvents"]
    for row in rows:
        assert NEEDED[row["ph"]] <= set(row), row
        assert row.get("ts", 0) >= 0
        assert row.get("dur", 0) >= 0
    spans = [(row["ph"], row["cat"], row["name"], row["id"]) for row in rows if row["ph"] in "be"]
    begun = [rest for ph, *rest in spans if ph == "b"]
    assert sorted(begun) == sorted(rest for ph, *rest in spans if ph == "e")
    slices = [row for row in rows if row["ph"] == "X"]
    for arrow in (row for row in rows if row["ph"] in "stf"):
        assert any(
            (each["pid"], each["tid"]) == (arrow["pid"], arrow["tid"])
            and each["ts"] <= arrow["ts"] <= each["ts"] + each["dur"]
            for each in slices
        ), arrow
    return rows


def test_a_trace_is_what_perfetto_reads(tmp_path: Path) -> None:
    save_perfetto(trace_of(TWO_REQUESTS), tmp_path / "x.json")
    rows = read(tmp_path / "x.json")
    stages = [row for row in rows if row["ph"] == "X" and row["pid"] == UNITS]
    # Times are us since the first event, at 1000 ns.
    assert [(row["name"], row["tid"], row["ts"], row["dur"]) for row in stages] == [
        ("ocr s0", 1, 1.1, 0.8),
        ("vad s0", 1, 2.5, 0.1),
        ("ocr s1", 2, 2.0, 0.8),
    ]
    assert stages[1]["args"] == {"request": 8, "outcome": "failed"}
    spans = {row["id"]: row for row in rows if row["ph"] == "b"}
    assert [spans[number]["name"] for number in (7, 8, 9)] == [
        "ocr, completed",
        "vad, failed",
        "ocr, in flight",
    ]
    arrows = [(row["id"], row["ph"], row["pid"]) for row in rows if row["ph"] in "stf"]
    assert arrows == [
        (7, "s", APPS), (7, "t", UNITS), (7, "f", UNITS), (8, "s", APPS), (8, "f", UNITS),
    ]  # fmt: skip
    marks = [(row["name"], row["pid"], row["tid"]) for row in rows if row["ph"] == "i"]
    assert marks == [("deployed", APPS, 1), ("failed", UNITS, 1), ("unit down", UNITS, 1)]


def test_counters_count() -> None:
    rows = [row for row in perfetto_rows(trace_of(TWO_REQUESTS)) if row["ph"] == "C"]
    ocr = [(row["ts"], *row["args"].values()) for row in rows if row["name"] == "ocr requests"]
    # (time, waiting, started): one comes, starts; another comes; the first one ends.
    assert ocr == [(1.0, 1, 0), (1.1, 0, 1), (2.9, 1, 1), (3.0, 1, 0)]
    [heat] = [row for row in rows if row["name"] == "SoC temperature"]
    assert heat["args"] == {"C": 45.5}


def test_an_existing_file_stays(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text("mine")
    with pytest.raises(OutputExistsError):
        save_perfetto(trace_of(ONE_REQUEST), tmp_path / "x.json")
    assert (tmp_path / "x.json").read_text() == "mine"


def test_an_empty_trace_is_a_file_too(tmp_path: Path) -> None:
    save_perfetto(trace_of([]), tmp_path / "x.json")
    assert {row["ph"] for row in read(tmp_path / "x.json")} == {"M"}
