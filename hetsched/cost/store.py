"""The cost store: measured times in one SQLite file, shared by every process of a user.

A *subject* (a prepared model, a dispatch; later an op signature or a subgraph) measured on a *unit*
(hardware, runtime version, threads: its fingerprint) has one *measurement*, the newest, made of
*parts* (groups of ops). A measurement is written in one transaction: a writer that is killed leaves
either all of it or nothing, and writers wait for each other.
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import msgspec

from hetsched.cost.store_records import Facts, Measurement, Part, fingerprint
from hetsched.errors import CostError
from hetsched.quantity import Origin

SCHEMA = 1
BUSY_TIMEOUT_S = 30.0

_TABLES = """
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


def default_path() -> Path:
    """`$HETSCHED_STORE`, else `costs.sqlite` in the user's cache folder for hetsched."""
    named = os.environ.get("HETSCHED_STORE")
    if named:
        return Path(named)
    cache = os.environ.get("XDG_CACHE_HOME")
    return (Path(cache) if cache else Path.home() / ".cache") / "hetsched" / "costs.sqlite"


class CostStore:
    """Measurements in a SQLite file; safe to use from several processes at once."""

    def __init__(self, path: Path | None = None) -> None:
        """Open a store, and make it where there is none.

        Raises:
            CostError: when the file can't be made or opened, isn't a cost store, is damaged, or was
                written by a newer version of hetsched.
        """
        self.path = default_path() if path is None else Path(path)
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise CostError(
                f"cost store {self.path}: its folder can't be made ({error.strerror}); "
                "name a file in a writable folder with --store"
            ) from error
        with self._transaction() as connection:
            self._prepare(connection)

    def get(self, kind: str, digest: str, facts: Facts) -> Measurement | None:
        """The newest measurement of a subject on a unit, None where there is none.

        Raises:
            CostError: when the file is damaged, locked or can't be read.
        """
        with self._transaction("DEFERRED") as connection:
            row = connection.execute(
                "SELECT m.* FROM measurement m JOIN subject s ON s.id = m.subject"
                " JOIN unit u ON u.id = m.unit"
                " WHERE s.kind = ? AND s.digest = ? AND u.fingerprint = ?",
                (kind, digest, fingerprint(facts)),
            ).fetchone()
            if row is None:
                return None
            parts = connection.execute(
                "SELECT * FROM part WHERE measurement = ? ORDER BY position", (row["id"],)
            ).fetchall()
        return self._measurement(kind, digest, row, parts)

    def put(self, measurement: Measurement, facts: Facts) -> None:
        """Keep a measurement; one of the same subject on the same unit is replaced.

        Raises:
            CostError: when the file is damaged, locked, full or can't be written.
        """
        with self._transaction() as connection:
            unit = self._unit(connection, facts)
            subject = self._subject(connection, measurement)
            connection.execute(
                "DELETE FROM measurement WHERE subject = ? AND unit = ?", (subject, unit)
            )
            self._insert(connection, measurement, subject, unit)

    def _prepare(self, connection: sqlite3.Connection) -> None:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version == SCHEMA:
            return
        if version > SCHEMA:
            raise CostError(
                f"cost store {self.path} has schema {version}, this hetsched knows {SCHEMA}: "
                "upgrade hetsched, or name another file with --store"
            )
        (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        if tables:
            raise CostError(
                f"{self.path} is a SQLite file of something else, not a cost store: "
                "name another file with --store"
            )
        for statement in _TABLES.split(";"):
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {SCHEMA}")

    @contextmanager
    def _transaction(self, mode: str = "IMMEDIATE") -> Iterator[sqlite3.Connection]:
        """A connection in one transaction that is kept only when all of it went well."""
        try:
            with closing(self._connect()) as connection:
                connection.execute(f"BEGIN {mode}")
                yield connection
                connection.execute("COMMIT")
        except sqlite3.DatabaseError as error:
            raise CostError(self._explain(error)) from error

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, timeout=BUSY_TIMEOUT_S, isolation_level=None)
        try:
            connection.row_factory = sqlite3.Row
            connection.execute("PRAGMA foreign_keys = ON")
            _use_wal(connection)
        except sqlite3.DatabaseError:
            connection.close()
            raise
        return connection

    def _explain(self, error: sqlite3.DatabaseError) -> str:
        code = getattr(error, "sqlite_errorcode", None)
        if code is not None and code & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            return (
                f"cost store {self.path} was locked by another process for {BUSY_TIMEOUT_S:g} s: "
                "try again, or name another file with --store"
            )
        if code is not None and code & 0xFF in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT):
            return (
                f"cost store {self.path} is damaged or no SQLite file ({error}): "
                "move it away to start anew, or name another file with --store"
            )
        return (
            f"cost store {self.path} can't be used ({error}): "
            "name a file in a writable folder with --store"
        )

    @staticmethod
    def _unit(connection: sqlite3.Connection, facts: Facts) -> int:
        mark = fingerprint(facts)
        text = msgspec.json.encode(dict(sorted(facts.items()))).decode()
        connection.execute(
            "INSERT INTO unit (fingerprint, facts) VALUES (?, ?) ON CONFLICT DO NOTHING",
            (mark, text),
        )
        return _id(connection, "SELECT id FROM unit WHERE fingerprint = ?", (mark,))

    @staticmethod
    def _subject(connection: sqlite3.Connection, measurement: Measurement) -> int:
        key = (measurement.kind, measurement.digest)
        connection.execute(
            "INSERT INTO subject (kind, digest) VALUES (?, ?) ON CONFLICT DO NOTHING", key
        )
        return _id(connection, "SELECT id FROM subject WHERE kind = ? AND digest = ?", key)

    @staticmethod
    def _insert(
        connection: sqlite3.Connection, measurement: Measurement, subject: int, unit: int
    ) -> None:
        row = connection.execute(
            "INSERT INTO measurement (subject, unit, measured_at, origin, dtype, runs, latency_ns,"
            " low_ns, high_ns, scale) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (subject, unit, measurement.measured_at, measurement.origin.value, measurement.dtype,
             measurement.runs, measurement.latency_ns, measurement.low_ns, measurement.high_ns,
             measurement.scale),
        ).lastrowid  # fmt: skip
        connection.executemany(
            "INSERT INTO part VALUES (?, ?, ?, ?, ?, ?, ?)",
            [
                (row, position, part.name, msgspec.json.encode(part.ops).decode(),
                 part.latency_ns, part.low_ns, part.high_ns)
                for position, part in enumerate(measurement.parts)
            ],
        )  # fmt: skip

    def _measurement(
        self, kind: str, digest: str, row: sqlite3.Row, parts: list[sqlite3.Row]
    ) -> Measurement:
        try:
            return Measurement(
                kind=kind,
                digest=digest,
                measured_at=row["measured_at"],
                origin=Origin(row["origin"]),
                dtype=row["dtype"],
                runs=row["runs"],
                latency_ns=row["latency_ns"],
                low_ns=row["low_ns"],
                high_ns=row["high_ns"],
                scale=row["scale"],
                parts=tuple(_part(part) for part in parts),
            )
        except (ValueError, msgspec.MsgspecError) as error:
            raise CostError(
                f"cost store {self.path} holds a measurement that makes no sense ({error}): "
                "move it away to start anew, or name another file with --store"
            ) from error


def _use_wal(connection: sqlite3.Connection) -> None:
    """Turn the write-ahead log on; the mode stays in the file.

    SQLite doesn't wait by itself while another process is turning it on, so this does.
    """
    deadline = monotonic() + BUSY_TIMEOUT_S
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or monotonic() > deadline:
                raise
            sleep(0.01)


def _part(row: sqlite3.Row) -> Part:
    return Part(
        name=row["name"],
        ops=msgspec.json.decode(row["ops"], type=tuple[str, ...]),
        latency_ns=row["latency_ns"],
        low_ns=row["low_ns"],
        high_ns=row["high_ns"],
    )


def _id(connection: sqlite3.Connection, query: str, values: tuple[Any, ...]) -> int:
    (found,) = connection.execute(query, values).fetchone()
    return int(found)
