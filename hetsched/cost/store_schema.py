"""The tables of the cost store, and how an older file gets them."""

import sqlite3
from pathlib import Path
from typing import Any

import msgspec

from hetsched.cost.store_records import Facts, fingerprint
from hetsched.errors import CostError

SCHEMA = 2

_WHOLES = """
CREATE TABLE unit (
    id INTEGER PRIMARY KEY,
    fingerprint TEXT NOT NULL UNIQUE,
    facts TEXT NOT NULL
);
CREATE TABLE subject (
    id INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    digest TEXT NOT NULL,
    UNIQUE (kind, digest)
);
CREATE TABLE measurement (
    id INTEGER PRIMARY KEY,
    subject INTEGER NOT NULL REFERENCES subject (id),
    unit INTEGER NOT NULL REFERENCES unit (id),
    measured_at TEXT NOT NULL,
    origin TEXT NOT NULL,
    dtype TEXT NOT NULL,
    runs INTEGER NOT NULL,
    latency_ns INTEGER NOT NULL,
    low_ns INTEGER NOT NULL,
    high_ns INTEGER NOT NULL,
    scale REAL NOT NULL,
    UNIQUE (subject, unit)
);
CREATE TABLE part (
    measurement INTEGER NOT NULL REFERENCES measurement (id) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    name TEXT NOT NULL,
    ops TEXT NOT NULL,
    latency_ns INTEGER NOT NULL,
    low_ns INTEGER NOT NULL,
    high_ns INTEGER NOT NULL,
    PRIMARY KEY (measurement, position)
) WITHOUT ROWID;
"""

_ENTRIES = """
CREATE TABLE entry (
    id INTEGER PRIMARY KEY,
    unit INTEGER NOT NULL REFERENCES unit (id),
    signature TEXT NOT NULL,
    form TEXT NOT NULL,
    dtype TEXT NOT NULL,
    what TEXT NOT NULL,
    model TEXT NOT NULL,
    source TEXT NOT NULL,
    measured_at TEXT NOT NULL,
    origin TEXT NOT NULL,
    runs INTEGER NOT NULL,
    latency_ns INTEGER NOT NULL,
    low_ns INTEGER NOT NULL,
    high_ns INTEGER NOT NULL,
    UNIQUE (unit, signature, form, dtype)
);
ALTER TABLE subject ADD COLUMN title TEXT NOT NULL DEFAULT '';
"""

_STEPS = (_WHOLES, _ENTRIES)
"""What each version of the layout added to the one before."""


def prepare(connection: sqlite3.Connection, path: Path) -> None:
    """Give a new or older file the present tables, inside the caller's transaction.

    Raises:
        CostError: for a file of a newer version or of another program.
    """
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version == SCHEMA:
        return
    if version > SCHEMA:
        raise CostError(
            f"cost store {path} has schema {version}, this hetsched knows {SCHEMA}: "
            "upgrade hetsched, or name another file with --store"
        )
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if tables and not version:
        raise CostError(
            f"{path} is a SQLite file of something else, not a cost store: "
            "name another file with --store"
        )
    for step in _STEPS[version:]:
        for statement in step.split(";"):
            connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {SCHEMA}")


def keep_unit(connection: sqlite3.Connection, facts: Facts) -> int:
    """The row of a unit, made where there is none."""
    mark = fingerprint(facts)
    text = msgspec.json.encode(dict(sorted(facts.items()))).decode()
    connection.execute(
        "INSERT INTO unit (fingerprint, facts) VALUES (?, ?) ON CONFLICT DO NOTHING", (mark, text)
    )
    return one_id(connection, "SELECT id FROM unit WHERE fingerprint = ?", (mark,))


def one_id(connection: sqlite3.Connection, query: str, values: tuple[Any, ...]) -> int:
    """The id that a query finds."""
    (found,) = connection.execute(query, values).fetchone()
    return int(found)
