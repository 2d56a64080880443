"""Numbers of a measurement file, checked: messages name the line, the field and the remedy."""

from math import isfinite

from hetsched.cost.importing.record import Text

NS_PER = {"ns": 1.0, "us": 1e3, "µs": 1e3, "ms": 1e6, "s": 1e9}
MAX_NS = 3600 * 10**9
"""One inference that takes over an hour is a wrong unit or a wrong column."""


def time_ns(text: Text, line: int, field: str, cell: str, per_unit_ns: float) -> int:
    """A time of zero or more.

    Args:
        text: where it stands.
        line: counted from 1.
        field: the column's name.
        cell: as in the file, without a unit.
        per_unit_ns: of the column's unit of measure.

    Raises:
        CostError: naming line, field, value and remedy.
    """
    try:
        value = float(cell)
    except ValueError:
        text.refuse(line, f"{field} {cell.strip()!r} is not a number: correct or drop the row")
    if not isfinite(value):
        text.refuse(line, f"{field} is {cell.strip()}: give a number, or drop the row")
    if value < 0:
        text.refuse(line, f"{field} {cell.strip()} is negative: correct or drop the row")
    ns = value * per_unit_ns
    if ns > MAX_NS:
        text.refuse(
            line,
            f"{field} {cell.strip()} is {ns / 1e9:g} s, more than an hour for one inference: is it "
            f"in another unit of measure?",
        )
    return round(ns)


def spread_ns(text: Text, line: int, least: str, mean: str, most: str) -> tuple[int, int, int]:
    """Least, mean and most of some runs, from columns min, avg and max in ms.

    Raises:
        CostError: when one is no time, or they don't ascend from above zero.
    """
    low, middle, high = (
        time_ns(text, line, field, cell, NS_PER["ms"])
        for field, cell in (("min", least), ("avg", mean), ("max", most))
    )
    if not 0 < low <= middle <= high:
        text.refuse(
            line,
            f"min {least}, avg {mean}, max {most} must be above zero and ascend: "
            f"correct or drop the row",
        )
    return low, middle, high


def whole(text: Text, line: int, field: str, cell: str, least: int) -> int:
    """A whole number.

    Raises:
        CostError: naming line, field, value and remedy.
    """
    try:
        value = int(cell)
    except ValueError:
        text.refuse(line, f"{field} {cell.strip()!r} is not a whole number: correct it")
    if value < least:
        text.refuse(line, f"{field} {value} is less than {least}: correct it")
    return value
