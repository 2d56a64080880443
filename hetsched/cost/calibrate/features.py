"""What a network amounts to in the terms of the cost model: a row of numbers per network."""

import csv
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from math import isfinite
from pathlib import Path
from typing import TypeAlias

from hetsched.errors import CostError

Key: TypeAlias = tuple[str, str]
"""Model and input shape, as in the tables."""

DATA = Path(__file__).parent.parent / "data"
COLUMNS = {
    "mmac_conv1x1": 1e6,
    "mmac_winograd": 1e6,
    "mmac_conv_other": 1e6,
    "mmac_grouped": 1e6,
    "mmac_dwconv": 1e6,
    "mmac_fc": 1e6,
    "activation_melems": 1e6,
    "elementwise_melems": 1e6,
    "kernels": 1.0,
}
"""Of a table of features, in the order of `Features`, with what a number stands for."""
OPTIONAL = frozenset({"mmac_winograd", "mmac_grouped", "elementwise_melems"})
"""Columns that count as 0 where a table doesn't have them."""


@dataclass(frozen=True, slots=True)
class Features:
    """One network.

    Attributes:
        pointwise: MACs of 1x1 convolutions.
        winograd: MACs of 3x3 convolutions that Winograd's method serves.
        spatial: MACs of other k x k convolutions.
        grouped: MACs of k x k convolutions in groups of few channels.
        depthwise: MACs.
        weights: elements of matrix products' weights; for one row also their MACs.
        activations: elements that kernels read and write, without elementwise ones.
        elementwise: elements that elementwise kernels read and write.
        kernels: launches.
    """

    pointwise: float
    winograd: float
    spatial: float
    grouped: float
    depthwise: float
    weights: float
    activations: float
    elementwise: float
    kernels: float

    @property
    def macs(self) -> float:
        """Of all kinds."""
        return (
            self.pointwise
            + self.winograd
            + self.spatial
            + self.grouped
            + self.depthwise
            + self.weights
        )

    def amounts(self, item_bytes: int) -> tuple[float, ...]:
        """In the order of `FIELDS`; elements as bytes of a dtype."""
        return (
            self.pointwise,
            self.winograd,
            self.spatial,
            self.grouped,
            self.depthwise,
            self.weights * item_bytes,
            self.activations * item_bytes,
            self.elementwise * item_bytes,
            self.kernels,
        )


FIELDS = (
    "pointwise",
    "winograd",
    "spatial",
    "grouped",
    "depthwise",
    "weights",
    "activations",
    "elementwise",
    "per_op",
)
"""The rates that a fit finds, in the order of `Features.amounts`. `dense` follows `pointwise`."""


def read_features(path: Path) -> dict[Key, Features]:
    """A table of features: `model`, `input_shape` and the columns of `COLUMNS`.

    Raises:
        CostError: naming the line, the column, and what would be accepted.
    """
    found: dict[Key, Features] = {}
    needed = [name for name in COLUMNS if name not in OPTIONAL]
    for line, row in table(path, ("model", "input_shape", *needed)):
        key = row["model"], row["input_shape"]
        if not all(key):
            raise CostError(f"{path}:{line}: model and input_shape must not be empty")
        if key in found:
            raise CostError(f"{path}:{line}: {key[0]} {key[1]} is there twice: keep one row")
        found[key] = Features(
            *(
                number(path, line, row, name) * scale if name in row else 0.0
                for name, scale in COLUMNS.items()
            )
        )
    return found


@cache
def published() -> Mapping[Key, Features]:
    """The networks that come with hetsched."""
    return read_features(DATA / "features.csv")


def table(
    path: Path,
    needed: tuple[str, ...],
    also: Mapping[str, str] | None = None,
    instead: Mapping[str, Collection[str]] | None = None,
) -> list[tuple[int, dict[str, str]]]:
    """Rows of a CSV file with their line numbers.

    Args:
        path: the file.
        needed: columns that it must have.
        also: other names of columns, to theirs.
        instead: columns of which one may stand for a needed one.

    Raises:
        CostError: when it can't be read, lacks a column or has one twice.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, restkey="?", restval="")
            names = [name.strip() for name in reader.fieldnames or ()]
            reader.fieldnames = [(also or {}).get(name, name) for name in names]
            _refuse_twice(path, names, reader.fieldnames)
            _refuse_missing(path, needed, reader.fieldnames, instead or {})
            return [(reader.line_num, row) for row in reader]
    except OSError as error:
        raise CostError(f"{path} can't be read: {error.strerror}") from error
    except (csv.Error, UnicodeDecodeError) as error:
        raise CostError(f"{path} is not CSV: {error}") from error


def _refuse_missing(
    path: Path,
    needed: Sequence[str],
    have: Sequence[str],
    instead: Mapping[str, Collection[str]],
) -> None:
    for name in needed:
        others = instead.get(name, ())
        found = [each for each in (name, *others) if each in have]
        if not found:
            hint = f"; {', '.join(others)} may stand for {name}" if others else ""
            raise CostError(
                f"{path}:1: column {name!r} is missing: needed are {', '.join(needed)}{hint}"
            )
        if len(found) > 1:
            raise CostError(
                f"{path}:1: mixed units: columns {' and '.join(found)}: keep one of them"
            )


def _refuse_twice(path: Path, written: Sequence[str], meant: Sequence[str]) -> None:
    first: dict[str, str] = {}
    for name, own in zip(written, meant, strict=True):
        if own in first:
            raise CostError(
                f"{path}:1: columns {first[own]!r} and {name!r} say the same: keep one of them"
            )
        first[own] = name


def number(path: Path, line: int, row: Mapping[str, str], column: str) -> float:
    """A number of zero or more.

    Raises:
        CostError: naming line, column and value; a unit behind the number is refused, too.
    """
    text = row[column].strip()
    try:
        value = float(text)
    except ValueError:
        raise CostError(
            f"{path}:{line}: {column} {text!r} is not a plain number: "
            f"write it without a unit, every row in the column's own unit"
        ) from None
    if not isfinite(value) or value < 0:
        raise CostError(f"{path}:{line}: {column} {text} must be a number of zero or more")
    return value
