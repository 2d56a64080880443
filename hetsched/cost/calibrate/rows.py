"""Measured latencies of whole networks: reading a table and choosing rows."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass
from functools import cache
from pathlib import Path

from hetsched.cost.calibrate.features import DATA, Features, Key, number, table
from hetsched.errors import CostError
from hetsched.soc.calibration import Select

COLUMNS = (
    "soc",
    "unit",
    "framework",
    "threads",
    "dtype",
    "model",
    "input_shape",
    "ms",
    "core",
    "measured",
)
NEEDED = ("soc", "unit", "dtype", "model", "input_shape", "ms")
ALSO = {"unit_or_backend": "unit", "latency_ms": "ms", "time_ms": "ms"}
"""Other names that columns may have."""

MS_PER = {"ms": 1.0, "time_us": 1e-3, "time_ns": 1e-6, "time_s": 1e3}
"""Columns of times, of which a table has one."""

WINOGRAD = 324 / 64
"""Most that a 3x3 convolution can gain over its MACs: F(6x6, 3x3) takes 64 products for 36 * 9.

Source: arXiv 1509.09308, section 4: m * m * r * r products become (m + r - 1)^2; 324 / 64.
"""


@dataclass(frozen=True, slots=True)
class Row:
    """One measurement; text as in the table.

    Attributes:
        at: file and line, for messages.
        ms: milliseconds of one inference.
    """

    at: str
    soc: str
    unit: str
    framework: str
    threads: str
    dtype: str
    model: str
    input_shape: str
    core: str
    measured: str
    ms: float

    @property
    def key(self) -> Key:
        """Of its features."""
        return self.model, self.input_shape


def read_rows(path: Path) -> tuple[Row, ...]:
    """A table of measurements.

    Raises:
        CostError: naming the line, the column, and what would be accepted; nothing is kept then.
    """
    found: dict[tuple[str, ...], Row] = {}
    for line, text in table(path, NEEDED, ALSO, {"ms": list(MS_PER)[1:]}):
        _check_columns(path, line, text)
        times = next(name for name in MS_PER if name in text)
        cells = {name: text.get(name, "").strip() for name in COLUMNS if name != "ms"}
        empty = [name for name in NEEDED if name != "ms" and not cells[name]]
        if empty:
            raise CostError(f"{path}:{line}: {empty[0]} is empty: fill it in or drop the row")
        ms = number(path, line, text, times) * MS_PER[times]
        if ms == 0:
            raise CostError(f"{path}:{line}: {times} 0 must be above zero: drop the row")
        row = Row(at=f"{path.name}:{line}", ms=ms, **cells)
        key = tuple(cells.values())
        if key in found:
            raise CostError(
                f"{path}:{line}: same {', '.join(cells)} as {found[key].at}: "
                f"keep one of them, or tell them apart by `measured`"
            )
        found[key] = row
    return tuple(found.values())


def _check_columns(path: Path, line: int, text: Mapping[str, str]) -> None:
    if "?" in text:
        raise CostError(f"{path}:{line}: more cells than the header has: quote those with commas")
    unit = text.get("unit_of_measure", "ms").strip()
    if unit not in ("", "ms"):
        raise CostError(
            f"{path}:{line}: unit_of_measure {unit!r} is not ms: convert the row, "
            f"all times of a table are milliseconds"
        )


@cache
def published() -> tuple[Row, ...]:
    """The rows that come with hetsched."""
    return read_rows(DATA / "latency.csv")


def choose(rows: Iterable[Row], wanted: Sequence[Select]) -> tuple[Row, ...]:
    """Rows that match any selection, in the table's order."""
    return tuple(row for row in rows if any(_matches(row, select) for select in wanted))


def _matches(row: Row, select: Select) -> bool:
    wanted = {
        "soc": select.soc,
        "unit": select.unit,
        "framework": select.framework,
        "threads": str(select.threads) if select.threads else "",
        "dtype": select.dtype,
        "core": select.core,
        "measured": select.measured,
    }
    return all(not value or getattr(row, name) == value for name, value in wanted.items())


def check_physical(
    rows: Iterable[Row], features: Mapping[Key, Features], peak_macs: float | None
) -> None:
    """See that no row is faster than the unit could be.

    Args:
        rows: all with features.
        features: of their networks.
        peak_macs: MAC/s; None when unknown: nothing is checked.

    Raises:
        CostError: naming the row and the rate that it would need.
    """
    if peak_macs is None:
        return
    for row in rows:
        have = features[row.key]
        spatial = have.winograd + have.spatial
        least_ns = (have.macs - spatial + spatial / WINOGRAD) / peak_macs * 1e9
        if row.ms * 1e6 < least_ns:
            raise CostError(
                f"{row.at}: {row.model} in {row.ms:g} ms is beyond the physical peak of "
                f"{peak_macs / 1e9:g} GMAC/s, at which it takes {least_ns / 1e6:.3g} ms: "
                f"is the time in milliseconds, and the peak right?"
            )


def digest(rows: Iterable[Row], features: Mapping[Key, Features]) -> str:
    """SHA-256 of rows (without their place in a file) and their features."""
    content = sorted(
        repr((astuple(row)[1:], tuple(round(v, 3) for v in astuple(features[row.key]))))
        for row in rows
    )
    return hashlib.sha256("\n".join(content).encode()).hexdigest()
