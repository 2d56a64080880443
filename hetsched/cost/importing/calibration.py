"""Whole networks as rows of the table that `hetsched calibrate --rows` reads."""

import csv
import os
from collections.abc import Sequence
from io import StringIO
from pathlib import Path

from hetsched.cost.calibrate.rows import COLUMNS
from hetsched.cost.importing.record import ImportedCost
from hetsched.errors import CostError, OutputExistsError
from hetsched.soc.profile import Profile, Unit

_SHORT = {"float32": "fp32", "float16": "fp16"}
"""Dtypes as the published tables write them."""


def refuse_existing(path: Path | None, force: bool) -> None:
    """See, before the work, that the output may be written.

    Raises:
        OutputExistsError: when it exists and wasn't to be replaced.
        CostError: when its folder doesn't exist.
    """
    if path is None:
        return
    if path.exists() and not force:
        raise OutputExistsError(f"{path} exists: give another name, or --force to replace it")
    if not path.parent.is_dir():
        raise CostError(f"{path} can't be written: there is no folder {path.parent}")


def rows_text(rows: Sequence[ImportedCost], profile: Profile, unit: Unit) -> str:
    """A CSV with the columns of `hetsched.cost.calibrate.rows`.

    Raises:
        CostError: when there is no network, or one lacks its input shape.
    """
    if not rows:
        raise CostError(
            "there is no time of a whole network to write: leave out --rows-out; "
            "nothing was imported"
        )
    text = StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in rows:
        if not row.input_shape:
            raise CostError(
                f"{row.at}: the input shape of {row.name} isn't known: write the row into a CSV "
                f"with a column input_shape, and import that; nothing was imported"
            )
        writer.writerow(_cells(row, profile, unit))
    return text.getvalue()


def write_rows(text: str, path: Path) -> None:
    """Write the CSV, whole or not at all.

    Raises:
        CostError: when the file can't be written.
    """
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        beside.write_text(text, encoding="utf-8")
        beside.replace(path)
    except OSError as error:
        raise CostError(f"{path} can't be written: {error.strerror}") from error


def _cells(row: ImportedCost, profile: Profile, unit: Unit) -> list[str]:
    values = {
        "soc": profile.name,
        "unit": unit.name,
        "framework": " ".join(part for part in (row.framework, row.backend) if part),
        "threads": str(row.threads or ""),
        "dtype": _SHORT.get(row.dtype or unit.dtype, row.dtype or unit.dtype),
        "model": row.name,
        "input_shape": row.input_shape,
        "ms": f"{row.latency_ns / 1e6:g}",
        "core": "",
        "measured": row.date,
    }
    return [values[name] for name in COLUMNS]
