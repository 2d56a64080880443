"""Generic CSV: measurements of any origin, one row each.

Columns: `op` (name of an op, of the tensor that it makes, or several with `;` between them: one
kernel) or `model`; the time as `time_ns`, `time_us`, `time_ms` or `time_s`, or as `time` with its
unit of measure in `time_unit`. Optional: `unit`, `dtype`, `threads`, `n` (runs), `date` (ISO 8601),
`framework`, `backend`, `low` and `high` (band, in the time's unit), `input_shape` (needed for a
`model`). A table has one unit of measure. Columns for people (`source`, `notes`) aren't read.
"""

import csv
import re
from collections.abc import Mapping, Sequence
from datetime import date
from difflib import get_close_matches

from hetsched.cost.importing.numbers import NS_PER, time_ns, whole
from hetsched.cost.importing.record import ImportedCost, Text, Wanted, spread
from hetsched.errors import CostError
from hetsched.ir.graph import ITEM_BITS

NAME = "csv"
TIMES = {"time_ns": "ns", "time_us": "us", "time_ms": "ms", "time_s": "s"}
COLUMNS = (
    "op", "model", "unit", "dtype", "threads", *TIMES, "time", "time_unit", "n", "date",
    "framework", "backend", "low", "high", "input_shape",
)  # fmt: skip
ALSO = {"unit_or_backend": "unit", "ms": "time_ms", "latency_ms": "time_ms"}
"""Other names that columns may have."""

NOTES = frozenset({"comment", "note", "notes", "quality", "source", "stat", "verified"})
"""Columns for people: they may be there and aren't read."""

_SHAPE = re.compile(r"\d+(x\d+)*")
_DTYPES = {"fp32": "float32", "fp16": "float16", "f32": "float32", "f16": "float16", "i8": "int8"}


def is_table(text: Text) -> bool:
    """Whether the first line has some of the columns."""
    cells = [_own(cell) for cell in text.lines[0].split(",")]
    return bool({"op", "model"} & set(cells)) and any(cell.startswith("time") for cell in cells)


def read(text: Text, wanted: Wanted) -> list[ImportedCost]:
    """A row per line.

    Raises:
        CostError: naming line, field and remedy.
    """
    head, lines = _lines(text)
    _check_columns(text, head)
    if not lines:
        text.refuse(1, "there is no row below the columns")
    measure = _measure(text, head, lines)
    seen: dict[tuple[object, ...], ImportedCost] = {}
    for number, cells in lines:
        row = _row(text, number, cells, measure, wanted)
        if row is None:
            continue
        key = (row.scope, row.name, row.unit, row.dtype, row.threads, row.framework, row.backend,
               row.input_shape)  # fmt: skip
        other = seen.setdefault(key, row)
        if other is not row:
            text.refuse(
                number,
                f"{row.scope} {row.name} is there twice, also at {other.at}, with the same unit, "
                f"dtype, threads, framework and backend: keep one row",
            )
    if not seen:
        units = ", ".join(dict.fromkeys(cells.get("unit", "") for _, cells in lines))
        raise CostError(
            f"{text.name} has no row for unit {wanted.unit}, only for {units}: "
            f"give one of them with --unit; nothing was imported"
        )
    return list(seen.values())


def _own(cell: str) -> str:
    name = cell.strip().strip('"')
    return ALSO.get(name, name)


def _lines(text: Text) -> tuple[Sequence[str], list[tuple[int, dict[str, str]]]]:
    reader = csv.reader(text.lines, strict=True)
    rows: list[tuple[int, list[str]]] = []
    try:
        rows.extend((reader.line_num, cells) for cells in reader if any(c.strip() for c in cells))
    except csv.Error as error:
        text.refuse(reader.line_num, f"no CSV: {error}; quote cells with commas or quotes")
    head = [_own(cell) for cell in rows[0][1]]
    found = []
    for number, cells in rows[1:]:
        if len(cells) != len(head):
            text.refuse(
                number,
                f"{len(cells)} cells for {len(head)} columns: quote those with commas, fill up "
                f"the others",
            )
        named = zip(head, cells, strict=True)
        found.append((number, {name: cell.strip() for name, cell in named}))
    return head, found


def _check_columns(text: Text, head: Sequence[str]) -> None:
    if "soc" in head:
        text.refuse(
            1,
            "column 'soc': a table of whole networks on several SoCs is for `hetsched calibrate "
            "PROFILE --rows`; to import rows of one, drop the column and give --profile",
        )
    for name in head:
        if name not in COLUMNS and name not in NOTES:
            near = get_close_matches(name, COLUMNS, n=1)
            hint = f"did you mean {near[0]!r}? " if near else ""
            text.refuse(
                1,
                f"column {name!r} is unknown: {hint}known are {', '.join(COLUMNS)}; columns for "
                f"people may be called {', '.join(sorted(NOTES))}",
            )
        if head.count(name) > 1:
            text.refuse(1, f"column {name!r} is there twice: keep one")
    if "op" not in head and "model" not in head:
        text.refuse(1, "column 'op' or 'model' is missing: say what was measured")
    times = [name for name in head if name in (*TIMES, "time")]
    if len(times) != 1:
        what = "no column of times" if not times else f"mixed units: {' and '.join(times)}"
        text.refuse(1, f"{what}: have exactly one of {', '.join(TIMES)}, or time and time_unit")
    if times == ["time"] and "time_unit" not in head:
        text.refuse(1, "column 'time' has no unit of measure: add time_unit, or name it time_ms")
    if times != ["time"] and "time_unit" in head:
        text.refuse(1, f"mixed units: {times[0]} and time_unit: drop one of the columns")


def _measure(
    text: Text, head: Sequence[str], lines: Sequence[tuple[int, Mapping[str, str]]]
) -> tuple[str, float]:
    """The column of times, and what one of its units is in ns; the same in every row."""
    if "time" not in head:
        column = next(name for name in TIMES if name in head)
        return column, NS_PER[TIMES[column]]
    first, cells = lines[0]
    for number, row in lines:
        unit = row["time_unit"]
        if unit not in NS_PER:
            text.refuse(number, f"time_unit {unit!r} is not one of {', '.join(NS_PER)}")
        if unit != cells["time_unit"]:
            text.refuse(
                number,
                f"mixed units: time_unit {unit} here, {cells['time_unit']} at line {first}: "
                f"convert all times to one of them",
            )
    return "time", NS_PER[cells["time_unit"]]


def _row(
    text: Text,
    number: int,
    cells: Mapping[str, str],
    measure: tuple[str, float],
    wanted: Wanted,
) -> ImportedCost | None:
    unit = cells.get("unit", "") or wanted.unit
    if unit != wanted.unit:
        return None
    op, model = cells.get("op", ""), cells.get("model", "")
    if bool(op) == bool(model):
        text.refuse(number, "give either op or model, not both and not neither")
    column, per_unit = measure
    ns = time_ns(text, number, column, cells[column], per_unit)
    if ns == 0:
        text.refuse(number, f"{column} is 0: what took no time can't be told; drop the row")
    low, high = _band(text, number, cells, ns, per_unit)
    return ImportedCost(
        at=f"{text.name}:{number} ({op or model})",
        scope="op" if op else "model",
        name=op or model,
        unit=unit,
        dtype=_dtype(text, number, cells, wanted),
        threads=_threads(text, number, cells, wanted),
        framework=cells.get("framework", "") or NAME,
        backend=cells.get("backend", ""),
        latency_ns=ns,
        low_ns=low,
        high_ns=high,
        runs=whole(text, number, "n", cells["n"], 1) if cells.get("n") else 0,
        date=_date(text, number, cells),
        input_shape=_shape(text, number, cells) if model else "",
    )


def _band(
    text: Text, number: int, cells: Mapping[str, str], ns: int, per_unit: float
) -> tuple[int, int]:
    low, high = spread(ns)
    if cells.get("low"):
        low = time_ns(text, number, "low", cells["low"], per_unit)
    if cells.get("high"):
        high = time_ns(text, number, "high", cells["high"], per_unit)
    if not low <= ns <= high:
        text.refuse(
            number, f"low {cells.get('low')}, high {cells.get('high')}: the time isn't between them"
        )
    return low, high


def _dtype(text: Text, number: int, cells: Mapping[str, str], wanted: Wanted) -> str | None:
    given = cells.get("dtype", "")
    if not given:
        return wanted.dtype
    dtype = _DTYPES.get(given, given)
    if dtype not in ITEM_BITS:
        text.refuse(number, f"dtype {given!r} is unknown: give float32, float16 or int8")
    if wanted.dtype is not None and dtype != wanted.dtype:
        text.refuse(
            number, f"dtype {given}, but --dtype {wanted.dtype}: drop the option or the row"
        )
    return dtype


def _threads(text: Text, number: int, cells: Mapping[str, str], wanted: Wanted) -> int | None:
    if not cells.get("threads"):
        return wanted.threads
    threads = whole(text, number, "threads", cells["threads"], 1)
    if wanted.threads is not None and threads != wanted.threads:
        text.refuse(
            number, f"threads {threads}, but --threads {wanted.threads}: drop the option or the row"
        )
    return threads


def _date(text: Text, number: int, cells: Mapping[str, str]) -> str:
    given = cells.get("date", "")
    if not given:
        return ""
    try:
        return date.fromisoformat(given).isoformat()
    except ValueError:
        text.refuse(number, f"date {given!r} is not of the form 2026-11-22: correct or empty it")


def _shape(text: Text, number: int, cells: Mapping[str, str]) -> str:
    given = cells.get("input_shape", "")
    if not given:
        text.refuse(
            number,
            f"input_shape of model {cells['model']} is missing: without it nobody knows how much "
            f"work the time is for; add the column, as 1x3x224x224",
        )
    if not _SHAPE.fullmatch(given):
        text.refuse(number, f"input_shape {given!r} is not of the form 1x3x224x224")
    return given
