"""Records with fields: known events only, empty fields left out, JSON for machines."""

import io
import json
import logging

import pytest

from hetsched.logs import EVENTS, fields, json_formatter


def test_fields_without_a_value_are_left_out() -> None:
    assert fields("unit-down", unit="npu", app="", request=-1, reason=None) == {
        "event": "unit-down",
        "unit": "npu",
    }


def test_an_event_has_only_its_fields() -> None:
    with pytest.raises(ValueError, match="event 'unit-up' has no field 'stage'"):
        fields("unit-up", unit="npu", stage="s0")
    with pytest.raises(KeyError):
        fields("nothing")


def test_no_field_hides_one_of_a_records_own() -> None:
    own = set(vars(logging.makeLogRecord({})))
    assert not own & {name for names in EVENTS.values() for name in names}


def test_a_record_is_a_line_of_json() -> None:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(json_formatter())
    record = logging.makeLogRecord(
        {
            "name": "hetsched.x",
            "levelname": "WARNING",
            "msg": "trace %s lacks %d",
            "args": ("x.trace", 3),
            "created": 0.5,
            **fields("trace-lost", path="x.trace", lost=3),
        }
    )
    handler.handle(record)
    assert json.loads(stream.getvalue()) == {
        "time": "1970-01-01T00:00:00.500+00:00",
        "level": "WARNING",
        "logger": "hetsched.x",
        "message": "trace x.trace lacks 3",
        "event": "trace-lost",
        "path": "x.trace",
        "lost": 3,
    }


def test_an_exception_is_kept() -> None:
    try:
        raise ValueError("no")
    except ValueError as error:
        info = (type(error), error, error.__traceback__)
    record = logging.makeLogRecord({"msg": "failed", "exc_info": info})
    assert "ValueError: no" in json.loads(json_formatter().format(record))["exception"]
