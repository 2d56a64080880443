"""What hetsched logs, as records with fields: for people as text, for machines as JSON.

Every record of a running system has an `event`, one of `EVENTS`, and that event's fields as
attributes of the record; its message says the same in words. Loggers are named after modules, all
of them below `hetsched`.
"""

import json
import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Final

EVENTS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "deployed": ("app", "number", "stages", "units"),
        "redeployed": ("app", "number", "stages", "units"),
        "overload": ("unit", "share"),
        "drop-storm": ("app", "reason"),
        "stage-failed": ("unit", "app", "request", "stage", "reason"),
        "stage-retried": ("unit", "app", "request", "stage", "reason"),
        "unit-down": ("unit", "app", "request", "stage", "reason"),
        "unit-up": ("unit",),
        "unit-quarantined": ("unit", "reason"),
        "unit-hung": ("unit", "app", "request", "stage", "reason"),
        "unit-given-up": ("unit", "reason"),
        "late-result": ("unit", "app", "request", "stage", "reason"),
        "plan-replaced": ("app", "reason"),
        "drift": ("app", "factor", "bound"),
        "replan-failed": ("app", "reason"),
        "policy-failed": ("reason",),
        "trace-lost": ("path", "lost"),
        "trace-failed": ("path", "reason"),
    }
)
"""Events and the fields that each may have; a field without a value is left out."""

_FIELDS = tuple(dict.fromkeys(name for names in EVENTS.values() for name in names))


def fields(event: str, **values: Any) -> dict[str, Any]:
    """What a logging call takes as `extra`; fields that are empty or below 0 are left out.

    Raises:
        KeyError: for an event that isn't known.
        ValueError: for a field that it doesn't have.
    """
    strange = set(values) - set(EVENTS[event])
    if strange:
        raise ValueError(f"event {event!r} has no field {sorted(strange)[0]!r}")
    kept = {name: value for name, value in values.items() if value not in ("", -1, None)}
    return {"event": event, **kept}


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time (UTC), level, logger, message, event, and its fields."""

    def format(self, record: logging.LogRecord) -> str:
        """A record as a line of JSON."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        for name in ("event", *_FIELDS):
            if hasattr(record, name):
                line[name] = getattr(record, name)
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


def json_formatter() -> JsonFormatter:
    """For `handler.setFormatter`."""
    return JsonFormatter()
