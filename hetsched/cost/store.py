"""The cost store: measured times in one SQLite file, shared by every process of a user.

A *subject* (a prepared model, a dispatch) measured on a *unit* (hardware, runtime version, threads:
its fingerprint) has one *measurement*, the newest, made of *parts* (groups of ops). A group of ops
that any model may have is an *entry*, by its signature, per unit and form; the newest stays. What
is put together is written in one transaction: a writer that is killed leaves either all of it or
nothing, and writers wait for each other.
"""

import os
import sqlite3
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from time import monotonic, sleep

import msgspec

from hetsched.cost.store_contents import (
    Record,
    Wanted,
    delete_records,
    read_records,
    write_records,
)
from hetsched.cost.store_entries import entry, newest_entries, put_entries
from hetsched.cost.store_records import Entry, Facts, Measurement, Part, fingerprint
from hetsched.cost.store_schema import keep_unit, one_id, prepare
from hetsched.errors import CostError
from hetsched.quantity import Origin

BUSY_TIMEOUT_S = 30.0


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
            prepare(connection, self.path)

    def get(self, kind: str, digest: str, facts: Facts) -> Measurement | None:
        """The newest measurement of a subject on a unit, None where there is none.

        Raises:
            CostError: when the file is damaged, locked or can't be read.
        """
        with self._transaction("DEFERRED") as connection:
            row = connection.execute(
                "SELECT m.*, s.title FROM measurement m JOIN subject s ON s.id = m.subject"
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
            unit = keep_unit(connection, facts)
            subject = self._subject(connection, measurement)
            connection.execute(
                "DELETE FROM measurement WHERE subject = ? AND unit = ?", (subject, unit)
            )
            self._insert(connection, measurement, subject, unit)

    def put_entries(self, entries: Sequence[Entry], facts: Facts) -> int:
        """Keep costs of groups of ops on one unit: all of them or none.

        One of the same signature, form and dtype on the same unit is replaced, unless it is newer.

        Args:
            entries: what is known of the groups.
            facts: what tells the unit from another.

        Returns:
            How many were kept: those that aren't older than what the store has.

        Raises:
            CostError: when the file is damaged, locked, full or can't be written.
        """
        return self.put_batches([(entries, facts)])

    def put_batches(self, batches: Sequence[tuple[Sequence[Entry], Facts]]) -> int:
        """As `put_entries` for several units at once: all of it or nothing.

        Raises:
            CostError: when the file is damaged, locked, full or can't be written.
        """
        with self._transaction() as connection:
            return sum(
                put_entries(connection, entries, keep_unit(connection, facts))
                for entries, facts in batches
            )

    def units(self) -> tuple[Facts, ...]:
        """The facts of every unit that was ever written about, in the order of coming.

        Raises:
            CostError: when the file is damaged, locked or can't be read.
        """
        with self._transaction("DEFERRED") as connection:
            rows = connection.execute("SELECT facts FROM unit ORDER BY id").fetchall()
        try:
            return tuple(
                msgspec.json.decode(row["facts"], type=dict[str, str | int]) for row in rows
            )
        except msgspec.MsgspecError as error:
            raise CostError(
                f"cost store {self.path} holds a unit that makes no sense ({error}): "
                "move it away to start anew, or name another file with --store"
            ) from error

    def get_entries(self, signatures: Collection[str], facts: Facts) -> tuple[Entry, ...]:
        """What is known of some groups of ops on one unit, in every form and dtype.

        Args:
            signatures: see `hetsched.cost.signature`.
            facts: what tells the unit from another.

        Raises:
            CostError: when the file is damaged, locked or can't be read.
        """
        with self._transaction("DEFERRED") as connection:
            rows = newest_entries(connection, signatures, fingerprint(facts))
        return tuple(entry(row, self.path) for row in rows)

    def has_entries(self, facts: Facts) -> bool:
        """Whether anything is known of groups of ops on a unit.

        Raises:
            CostError: when the file is damaged, locked or can't be read.
        """
        with self._transaction("DEFERRED") as connection:
            row = connection.execute(
                "SELECT 1 FROM entry e JOIN unit u ON u.id = e.unit"
                " WHERE u.fingerprint = ? LIMIT 1",
                (fingerprint(facts),),
            ).fetchone()
        return row is not None

    def records(self) -> list[Record]:
        """Everything in it.

        Raises:
            CostError: when the file is damaged, locked or can't be read.
        """
        with self._transaction("DEFERRED") as connection:
            return read_records(connection, self.path)

    def put_records(self, records: Iterable[Record]) -> int:
        """Take records of another store or an export: all or none; no newer one is replaced.

        Returns:
            How many were new or newer.

        Raises:
            CostError: when the file is damaged, locked, full or can't be written.
        """
        with self._transaction() as connection:
            return write_records(connection, records)

    def drop(self, wanted: Wanted) -> int:
        """Remove some records. How many.

        Raises:
            CostError: when the file is damaged, locked or can't be written.
        """
        with self._transaction() as connection:
            return delete_records(connection, self.path, wanted)

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
    def _subject(connection: sqlite3.Connection, measurement: Measurement) -> int:
        key = (measurement.kind, measurement.digest)
        connection.execute(
            "INSERT INTO subject (kind, digest, title) VALUES (?, ?, ?)"
            " ON CONFLICT DO UPDATE SET title = excluded.title",
            (*key, measurement.title),
        )
        return one_id(connection, "SELECT id FROM subject WHERE kind = ? AND digest = ?", key)

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
                title=row["title"],
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
