"""How well profiles reproduce published measurements, as text."""

import textwrap
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hetsched.soc.calibration import Record
    from hetsched.soc.profile import Profile

ROW = "{:<11} {:<8} {:>6}  {:>7} {:>7} {:>8} {:>5}  {}"
HEAD = ("unit", "dtype", "models", "median", "90%", "held out", "tau", "verdict")
_MARKDOWN = (
    "profile",
    "unit",
    "dtype",
    "rates from",
    "models",
    "median error",
    "90th percentile",
    "held out",
    "tau",
    "verdict",
)
_WIDTH = 80
_WORST = 3


def table(records: Mapping[tuple[str, str], "Record"]) -> Iterator[str]:
    """One line per (unit, dtype) under a head, and why some aren't validated."""
    yield ROW.format(*HEAD)
    for (unit, dtype), record in records.items():
        verdict = "validated" if record.validated else "not validated"
        yield ROW.format(unit, dtype, record.models, *_cells(record), verdict).rstrip()
    for why, where in _reasons(records).items():
        text = f"not validated, {why}: {', '.join(where)}"
        yield from textwrap.wrap(text, _WIDTH, subsequent_indent="  ")


def _reasons(records: Mapping[tuple[str, str], "Record"]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for (unit, dtype), record in records.items():
        if not record.validated:
            found.setdefault(record.why, []).append(f"{unit} {dtype}")
    return found


def details(soc: "Profile", every_row: bool) -> Iterator[str]:
    """What `profiles show` says: the table, and rows with their predictions."""
    yield "Published latencies, and predictions of each by a fit without its model:"
    yield from table(
        {
            (unit.name, dtype): found
            for unit in soc.units
            for dtype, found in unit.calibration.items()
        }
    )
    for unit in soc.units:
        for dtype, record in unit.calibration.items():
            if not record.rows:
                continue
            rows = sorted(record.rows, key=lambda row: -abs(row.error))
            shown = rows if every_row else rows[:_WORST]
            yield ""
            what = "all rows" if every_row else f"worst of {len(rows)} rows (all: --rows)"
            yield f"{unit.name} {dtype}, {what}:"
            for row in shown:
                held = "  held" if row.held_out else ""
                name = textwrap.shorten(f"{row.model} {row.shape}", 38, placeholder="...")
                yield (
                    f"  {name:<38} {row.ms:>9.4g} ms {row.predicted_ms:>9.4g} ms "
                    f"{row.error:>+6.0%}{held}"
                )


def markdown(profiles: Iterable["Profile"]) -> Iterator[str]:
    """The table of all profiles for the documentation."""
    yield "| " + " | ".join(_MARKDOWN) + " |"
    yield "|" + "---|" * len(_MARKDOWN)
    for soc in profiles:
        for unit in soc.units:
            for dtype in unit.rates:
                yield _markdown_row(soc, unit.name, dtype)


def _markdown_row(soc: "Profile", unit: str, dtype: str) -> str:
    found = soc.unit(unit)
    record, recipe = found.calibration.get(dtype), found.calibrate.get(dtype)
    if record is None or recipe is None:
        cells = [soc.name, unit, dtype, "by hand", "", "", "", "", "", "not validated: no recipe"]
        return "| " + " | ".join(cells) + " |"
    origin = "typical shares of peak"
    if recipe.rows:
        frameworks = dict.fromkeys(row.framework or row.unit for row in recipe.rows)
        origin = f"rows of {', '.join(frameworks)}"
    elif recipe.like is not None:
        origin = f"{recipe.like.profile} {recipe.like.unit}"
    cells = [soc.name, unit, dtype, origin, str(record.models), *_cells(record), _verdict(record)]
    return "| " + " | ".join(cells) + " |"


def _cells(record: "Record") -> list[str]:
    numbers = (record.loo_median, record.loo_p90, record.held_out_median)
    tau = "-" if record.tau is None else f"{record.tau:.2f}"
    return [*("-" if value is None else f"{value:.0%}" for value in numbers), tau]


def _verdict(record: "Record") -> str:
    return "validated" if record.validated else f"not validated: {record.why}"
