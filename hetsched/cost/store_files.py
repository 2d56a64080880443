"""A store's records as files: JSON and CSV, both of which come back as they were."""

import csv
import io
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TypeAlias

import msgspec

from hetsched.cost.store import CostStore
from hetsched.cost.store_contents import PartRecord, Record
from hetsched.errors import CostError, OutputExistsError
from hetsched.quantity import Origin
from hetsched.soc.keys import explain

FORMAT = "hetsched-costs"
SCHEMA = 1
Kind: TypeAlias = Literal["json", "csv"]

_SQLITE = b"SQLite format 3\x00"
_STRUCTURED = ("unit", "parts")
_COLUMNS = tuple(Record.__struct_fields__)


class _Export(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    format: str
    schema: int
    records: tuple[Record, ...]


def export_text(records: Sequence[Record], kind: Kind) -> str:
    """The content of an export file."""
    if kind == "json":
        made = _Export(format=FORMAT, schema=SCHEMA, records=tuple(records))
        return msgspec.json.format(msgspec.json.encode(made), indent=1).decode() + "\n"
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_COLUMNS)
    writer.writerows([_cell(record, name) for name in _COLUMNS] for record in records)
    return text.getvalue()


def write_export(records: Sequence[Record], path: Path, *, force: bool) -> None:
    """Write an export, whole or not at all; its format goes by the file's ending.

    Raises:
        CostError: when the ending is neither .json nor .csv, or the file can't be written.
        OutputExistsError: when it exists and `force` isn't set.
    """
    kinds: dict[str, Kind] = {".json": "json", ".csv": "csv"}
    if path.suffix not in kinds:
        raise CostError(f"{path}: the name must end in .json or .csv")
    if path.exists() and not force:
        raise OutputExistsError(f"{path} exists: give another name, or --force to replace it")
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        draft.write_text(export_text(records, kinds[path.suffix]), encoding="utf-8")
        draft.replace(path)
    except OSError as error:
        raise CostError(f"{path} can't be written: {error.strerror}") from error


def is_export(path: Path) -> bool:
    """Whether a file looks like an export or a store of hetsched's, by its beginning."""
    try:
        with path.open("rb") as file:
            head = file.read(4096)
    except OSError:
        return False
    csv_head = ",".join(_COLUMNS).encode()
    return head.startswith((_SQLITE, csv_head)) or (
        head.lstrip().startswith(b"{") and f'"{FORMAT}"'.encode() in head[:200]
    )


def read_any(path: Path) -> Sequence[Record]:
    """The records of an export or of another store.

    Raises:
        CostError: naming the file, the row and the field, when it can't be read or is neither.
    """
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise CostError(f"{path} can't be read: {error.strerror}") from error
    if raw.startswith(_SQLITE):
        return CostStore(path).records()
    if not is_export(path):
        raise CostError(
            f"{path} is neither a cost store nor what `hetsched costs export` writes: "
            "other tools' measurements come in with `hetsched costs import`"
        )
    return _read_json(path, raw) if raw.lstrip().startswith(b"{") else _read_csv(path, raw)


def _cell(record: Record, name: str) -> Any:
    value = getattr(record, name)
    if name in _STRUCTURED:
        return msgspec.json.encode(value).decode()
    return value.value if isinstance(value, Origin) else value


def _read_json(path: Path, raw: bytes) -> Sequence[Record]:
    try:
        found = msgspec.json.decode(raw, type=_Export)
    except msgspec.ValidationError as error:
        raise CostError(f"{path}: {explain(_Export, str(error))}; nothing was taken") from error
    except msgspec.DecodeError as error:
        raise CostError(f"{path} is not JSON: {error}; nothing was taken") from error
    if found.schema != SCHEMA:
        raise CostError(
            f"{path} has schema {found.schema}, this hetsched reads {SCHEMA}: upgrade hetsched"
        )
    return found.records


def _read_csv(path: Path, raw: bytes) -> Sequence[Record]:
    records = []
    csv.field_size_limit(max(csv.field_size_limit(), len(raw)))  # a model's parts are one field
    rows = csv.DictReader(io.StringIO(raw.decode("utf-8", errors="replace"), newline=""))
    for row in rows:
        try:
            records.append(_record(row))
        except (msgspec.MsgspecError, ValueError, TypeError) as error:
            what = explain(Record, str(error))
            raise CostError(f"{path}:{rows.line_num}: {what}; nothing was taken") from error
    return records


def _record(row: Mapping[str, str]) -> Record:
    missing = [name for name in _COLUMNS if row.get(name) is None]
    if missing:
        raise ValueError(f"no value for {missing[0]!r}")
    values: dict[str, Any] = {name: row[name] for name in _COLUMNS}
    values["unit"] = msgspec.json.decode(row["unit"])
    values["parts"] = msgspec.json.decode(row["parts"], type=tuple[PartRecord, ...])
    return msgspec.convert(values, Record, strict=False)
