"""Everything in a cost store as plain records: to list, export, take back, merge and drop."""

import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

import msgspec

from hetsched.cost.store_records import Facts, fingerprint
from hetsched.cost.store_schema import keep_unit, one_id
from hetsched.errors import CostError
from hetsched.quantity import Origin

GROUP = "group"
"""Kind of a record of a group of ops; other kinds are those of measurements."""


class PartRecord(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A group of a measured model."""

    name: str
    ops: tuple[str, ...]
    latency_ns: int
    low_ns: int
    high_ns: int


class Record(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One cost with all that the store knows of it.

    Attributes:
        kind: `group` for a group of ops, `model`, `dispatch` or `hand-off` for a measurement.
        digest: the group's signature, or the prepared model's digest.
        unit: what tells the unit from others.
        form: kernels that ran; groups only.
        dtype: arithmetic dtype.
        what: for people.
        model: its name.
        source: where the numbers were read from.
        measured_at: UTC, ISO 8601.
        origin: where the numbers come from.
        runs: 0 where unknown.
        latency_ns: median.
        low_ns: 10th percentile.
        high_ns: 90th percentile.
        scale: by which the parts were scaled.
        parts: a model's groups.
    """

    kind: str
    digest: str
    unit: dict[str, str | int]
    form: str = ""
    dtype: str
    what: str = ""
    model: str = ""
    source: str = ""
    measured_at: str
    origin: Origin
    runs: int
    latency_ns: int
    low_ns: int
    high_ns: int
    scale: float = 1.0
    parts: tuple[PartRecord, ...] = ()

    def __post_init__(self) -> None:
        """Check what a cost must be.

        Raises:
            ValueError: naming the field, its value and what would be accepted.
        """
        if not 0 <= self.low_ns <= self.latency_ns <= self.high_ns:
            raise ValueError(
                f"low_ns {self.low_ns}, latency_ns {self.latency_ns}, high_ns {self.high_ns} "
                "must be zero or more and ascend"
            )
        if self.runs < 0:
            raise ValueError(f"runs {self.runs} must be zero (unknown) or more")


Wanted: TypeAlias = Callable[[Record], bool]


def unit_title(facts: Facts) -> str:
    """A unit in words: `helio-g90 gpu, tflite`, or `AMD EPYC, onnxruntime 1.31.1, 1 thread`."""
    where = " ".join(str(facts[key]) for key in ("profile", "unit") if facts.get(key))
    words = [where or str(facts.get("model name") or facts.get("machine") or "unit")]
    words += [str(facts[key]) for key in ("runtime", "framework", "backend") if facts.get(key)]
    threads = facts.get("threads")
    if threads:
        words.append(f"{threads} thread" + ("s" if threads != 1 else ""))
    return ", ".join(words)


def read_records(connection: sqlite3.Connection, path: Path) -> list[Record]:
    """Every record of a store, by unit.

    Raises:
        CostError: when a value makes no sense.
    """
    try:
        units = {
            row["id"]: msgspec.json.decode(row["facts"], type=dict[str, str | int])
            for row in connection.execute("SELECT id, facts FROM unit")
        }
        return [*_groups(connection, units), *_measurements(connection, units)]
    except (ValueError, msgspec.MsgspecError) as error:
        raise CostError(
            f"cost store {path} holds an entry that makes no sense ({error}): "
            "move it away to start anew, or name another file with --store"
        ) from error


def write_records(connection: sqlite3.Connection, records: Iterable[Record]) -> int:
    """Put records into a store; none replaces a newer one. How many were written."""
    return sum(
        _write_group(connection, record)
        if record.kind == GROUP
        else _write_measurement(connection, record)
        for record in records
    )


def delete_records(connection: sqlite3.Connection, path: Path, wanted: Wanted) -> int:
    """Remove records, and units that nothing is left of. How many records."""
    gone = [record for record in read_records(connection, path) if wanted(record)]
    for record in gone:
        values = (fingerprint(record.unit), record.digest)
        if record.kind == GROUP:
            connection.execute(
                "DELETE FROM entry WHERE unit = (SELECT id FROM unit WHERE fingerprint = ?)"
                " AND signature = ? AND form = ? AND dtype = ?",
                (*values, record.form, record.dtype),
            )
        else:
            connection.execute(
                "DELETE FROM measurement WHERE unit = (SELECT id FROM unit WHERE fingerprint = ?)"
                " AND subject = (SELECT id FROM subject WHERE digest = ? AND kind = ?)",
                (*values, record.kind),
            )
    connection.execute("DELETE FROM subject WHERE id NOT IN (SELECT subject FROM measurement)")
    connection.execute(
        "DELETE FROM unit WHERE id NOT IN (SELECT unit FROM measurement)"
        " AND id NOT IN (SELECT unit FROM entry)"
    )
    return len(gone)


_COMMON = ("dtype", "measured_at", "runs", "latency_ns", "low_ns", "high_ns")
_GROUP_ONLY = ("form", "what", "model", "source")


def _groups(
    connection: sqlite3.Connection, units: Mapping[int, dict[str, str | int]]
) -> list[Record]:
    return [
        Record(
            kind=GROUP,
            digest=row["signature"],
            unit=units[row["unit"]],
            origin=Origin(row["origin"]),
            **{name: row[name] for name in (*_COMMON, *_GROUP_ONLY)},
        )
        for row in connection.execute("SELECT * FROM entry ORDER BY unit, id")
    ]


def _measurements(
    connection: sqlite3.Connection, units: Mapping[int, dict[str, str | int]]
) -> list[Record]:
    parts: dict[int, list[PartRecord]] = {}
    for row in connection.execute("SELECT * FROM part ORDER BY measurement, position"):
        ops = msgspec.json.decode(row["ops"], type=tuple[str, ...])
        times = {name: row[name] for name in ("latency_ns", "low_ns", "high_ns")}
        parts.setdefault(row["measurement"], []).append(
            PartRecord(name=row["name"], ops=ops, **times)
        )
    rows = connection.execute(
        "SELECT m.*, s.kind, s.digest, s.title FROM measurement m"
        " JOIN subject s ON s.id = m.subject ORDER BY m.unit, m.id"
    )
    return [
        Record(
            kind=row["kind"],
            digest=row["digest"],
            unit=units[row["unit"]],
            what=row["title"] or row["kind"],
            model=row["title"],
            origin=Origin(row["origin"]),
            scale=row["scale"],
            parts=tuple(parts.get(row["id"], ())),
            **{name: row[name] for name in _COMMON},
        )
        for row in rows
    ]


def _write_group(connection: sqlite3.Connection, record: Record) -> int:
    names = ("signature", *_COMMON, *_GROUP_ONLY, "origin")
    updates = ", ".join(f"{name} = excluded.{name}" for name in names)
    values = [getattr(record, name) for name in (*_COMMON, *_GROUP_ONLY)]
    return connection.execute(
        f"INSERT INTO entry (unit, {', '.join(names)}) VALUES (?{', ?' * len(names)})"
        f" ON CONFLICT (unit, signature, form, dtype) DO UPDATE SET {updates}"
        " WHERE excluded.measured_at > entry.measured_at",
        (keep_unit(connection, record.unit), record.digest, *values, record.origin.value),
    ).rowcount


def _write_measurement(connection: sqlite3.Connection, record: Record) -> int:
    unit = keep_unit(connection, record.unit)
    subject = _subject(connection, record)
    row = connection.execute(
        "SELECT measured_at FROM measurement WHERE subject = ? AND unit = ?", (subject, unit)
    ).fetchone()
    if row is not None and row["measured_at"] >= record.measured_at:
        return 0
    connection.execute("DELETE FROM measurement WHERE subject = ? AND unit = ?", (subject, unit))
    names = (*_COMMON, "scale")
    made = connection.execute(
        f"INSERT INTO measurement (subject, unit, origin, {', '.join(names)})"
        f" VALUES (?, ?, ?{', ?' * len(names)})",
        (subject, unit, record.origin.value, *(getattr(record, name) for name in names)),
    ).lastrowid
    _write_parts(connection, made, record.parts)
    return 1


def _subject(connection: sqlite3.Connection, record: Record) -> int:
    connection.execute(
        "INSERT INTO subject (kind, digest, title) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
        (record.kind, record.digest, record.model),
    )
    query = "SELECT id FROM subject WHERE kind = ? AND digest = ?"
    return one_id(connection, query, (record.kind, record.digest))


def _write_parts(
    connection: sqlite3.Connection, measurement: int | None, parts: Sequence[PartRecord]
) -> None:
    connection.executemany(
        "INSERT INTO part VALUES (?, ?, ?, ?, ?, ?, ?)",
        [
            (measurement, at, part.name, msgspec.json.encode(part.ops).decode(),
             part.latency_ns, part.low_ns, part.high_ns)
            for at, part in enumerate(parts)
        ],
    )  # fmt: skip
