"""A user's own capability table: a CSV file with the columns of the package's tables.

    # closed_world: yes
    # single_output: yes
    framework,backend,onnx_op,status,dtypes,constraint,source
    mynpu,core,Conv,partial,int8;float16,when: rank(0) == 4 and attr("group", 1) == 1,datasheet 3.2

Lines that start with `#` say something about all of the file; see `_NOTES`. Where the package has a
table of the same framework and backend, the file's rows go before its rows.
"""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hetsched.convert.capability_clauses import clause_rule
from hetsched.convert.capability_limits import LIMITS, Limits, user_limits
from hetsched.convert.capability_rows import Row, Table, add_table, index, near, table
from hetsched.errors import CapabilityError

COLUMNS = ("framework", "backend", "onnx_op", "status", "dtypes", "constraint", "source")
_NOTES = ("closed_world", "single_output", "static", "max_rank", "max_opset", "version")
_NUMBERS = ("max_rank", "max_opset")
_STATUSES = ("full", "partial", "none")


@dataclass(frozen=True, slots=True, kw_only=True)
class Added:
    """What a file brought.

    Attributes:
        framework: of the table.
        backend: of the table.
        rows: how many of the file's rows are its.
    """

    framework: str
    backend: str
    rows: int


def use_table(path: Path) -> tuple[Added, ...]:
    """Take a user's table into account from now on, in this process.

    Raises:
        CapabilityError: naming the file, the line and what would be accepted.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it isn't UTF-8 text"
        raise CapabilityError(f"table {path} can't be read: {why}") from error
    notes = _notes(path, lines)
    rows = _rows(path, lines)
    found = []
    for (framework, backend), own in rows.items():
        _add(framework, backend, own, notes)
        found.append(Added(framework=framework, backend=backend, rows=len(own)))
    return tuple(found)


def _add(framework: str, backend: str, own: Mapping[str, Row], notes: Mapping[str, str]) -> None:
    known = backend in index().get(framework, {})
    before = table(framework, backend) if known else None
    closed = notes.get("closed_world")
    add_table(
        Table(
            framework=framework,
            backend=backend,
            closed_world=closed == "yes" if closed else before is not None and before.closed_world,
            rows={**(before.rows if before else {}), **own},
        )
    )
    limits = LIMITS.get((framework, backend), Limits())
    user_limits[framework, backend] = Limits(
        max_rank=int(notes["max_rank"]) if "max_rank" in notes else limits.max_rank,
        outputs=limits.outputs,
        static=notes["static"] == "yes" if "static" in notes else limits.static,
        max_opset=int(notes["max_opset"]) if "max_opset" in notes else limits.max_opset,
        single_output=notes.get("single_output") == "yes" or limits.single_output,
    )


def _notes(path: Path, lines: Sequence[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for number, line in enumerate(lines, 1):
        name, colon, value = line.removeprefix("#").partition(":")
        if not line.startswith("#") or not colon:
            continue
        name, value = name.strip(), value.strip()
        if name not in _NOTES:
            raise CapabilityError(
                f"table {path}, line {number}: {near(name, _NOTES)}{name!r} isn't one of "
                f"{', '.join(_NOTES)}"
            )
        fits = value.isdecimal() if name in _NUMBERS else value in ("yes", "no")
        if name != "version" and not fits:
            wanted = "a whole number" if name in _NUMBERS else "yes or no"
            raise CapabilityError(
                f"table {path}, line {number}: {name} is {value!r}: take {wanted}"
            )
        found[name] = value
    return found


def _rows(path: Path, lines: Sequence[str]) -> dict[tuple[str, str], dict[str, Row]]:
    kept = [(at, line) for at, line in enumerate(lines, 1) if line and not line.startswith("#")]
    reader = csv.DictReader(line for _, line in kept)
    if tuple(reader.fieldnames or ()) != COLUMNS:
        raise CapabilityError(
            f"table {path} has columns {', '.join(reader.fieldnames or ()) or 'none'}: "
            f"give {', '.join(COLUMNS)}"
        )
    found: dict[tuple[str, str], dict[str, Row]] = {}
    for (number, _), row in zip(kept[1:], reader, strict=False):
        where = f"table {path}, line {number}"
        key = (row["framework"], row["backend"])
        if None in row or None in row.values() or not all(key) or not row["onnx_op"]:
            raise CapabilityError(f"{where} doesn't fit {', '.join(COLUMNS)}")
        ops = found.setdefault(key, {})
        if row["onnx_op"] in ops:
            raise CapabilityError(f"{where}: {row['onnx_op']} is there twice")
        ops[row["onnx_op"]] = _row(row, where)
    if not found:
        raise CapabilityError(f"table {path} has no rows")
    return found


def _row(row: Mapping[str, str], where: str) -> Row:
    if row["status"] not in _STATUSES:
        raise CapabilityError(
            f"{where}: status {row['status']!r} isn't one of {', '.join(_STATUSES)}"
        )
    try:
        clause_rule(row["constraint"])
    except CapabilityError as error:
        raise CapabilityError(f"{where}: {error}") from None
    return Row(
        status=row["status"],
        dtypes=frozenset(filter(None, row["dtypes"].split(";"))),
        constraint=row["constraint"],
        source=row["source"],
    )
