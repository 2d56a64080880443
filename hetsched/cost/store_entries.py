"""Entries of the cost store in SQL: costs of groups of ops by signature and unit."""

import sqlite3
from collections.abc import Collection, Sequence
from pathlib import Path

from hetsched.cost.store_records import Entry
from hetsched.errors import CostError
from hetsched.quantity import Origin

_COLUMNS = (
    "signature", "form", "dtype", "what", "model", "source", "measured_at", "origin",
    "runs", "latency_ns", "low_ns", "high_ns",
)  # fmt: skip
_AT_ONCE = 500
"""Signatures asked for in one query. Source: SQLite's default limit was 999 variables."""

_UPSERT = (
    f"INSERT INTO entry (unit, {', '.join(_COLUMNS)})"
    f" VALUES (?{', ?' * len(_COLUMNS)})"
    " ON CONFLICT (unit, signature, form, dtype) DO UPDATE SET "
    + ", ".join(f"{name} = excluded.{name}" for name in _COLUMNS[3:])
    + " WHERE excluded.measured_at >= entry.measured_at"
)


def put_entries(connection: sqlite3.Connection, entries: Sequence[Entry], unit: int) -> int:
    """Insert or replace; an older entry doesn't replace a newer one. How many were kept."""
    kept = 0
    for each in entries:
        values = [getattr(each, name) for name in _COLUMNS]
        values[_COLUMNS.index("origin")] = each.origin.value
        kept += connection.execute(_UPSERT, (unit, *values)).rowcount
    return kept


def newest_entries(
    connection: sqlite3.Connection, signatures: Collection[str], mark: str
) -> list[sqlite3.Row]:
    """Rows of some signatures on the unit with a fingerprint."""
    wanted = sorted(set(signatures))
    rows: list[sqlite3.Row] = []
    for at in range(0, len(wanted), _AT_ONCE):
        some = wanted[at : at + _AT_ONCE]
        rows += connection.execute(
            "SELECT e.* FROM entry e JOIN unit u ON u.id = e.unit WHERE u.fingerprint = ?"
            f" AND e.signature IN ({', '.join('?' * len(some))}) ORDER BY e.id",
            (mark, *some),
        ).fetchall()
    return rows


def entry(row: sqlite3.Row, path: Path) -> Entry:
    """An entry from its row.

    Args:
        row: with every column of the table.
        path: the store's, for the message.

    Raises:
        CostError: when a value makes no sense.
    """
    values = {name: row[name] for name in _COLUMNS}
    try:
        return Entry(**values | {"origin": Origin(values["origin"])})
    except ValueError as error:
        raise CostError(
            f"cost store {path} holds an entry that makes no sense ({error}): "
            "move it away to start anew, or name another file with --store"
        ) from error
