"""Records of the cost store as text of 80 columns."""

from collections.abc import Sequence
from pathlib import Path

import typer

from hetsched.cost.store_contents import GROUP, Record, unit_title
from hetsched.quantity import format_ns

_ROW = "{:<34.34}  {:>9}  {:>8}  {:>6}  {:<10}"


def print_records(records: Sequence[Record], store: Path, limit: int) -> None:
    """A table per unit, the slowest groups first, then whole models."""
    if not records:
        typer.echo(f"{store} holds nothing of that")
        return
    units: dict[str, list[Record]] = {}
    for record in records:
        units.setdefault(unit_title(record.unit), []).append(record)
    for title, own in units.items():
        typer.echo(title)
        _print_unit(own, limit)
    typer.echo(f"{len(records)} records in {store}")


def _print_unit(records: Sequence[Record], limit: int) -> None:
    groups = [record for record in records if record.kind == GROUP]
    others = [record for record in records if record.kind != GROUP]
    typer.echo("  " + _ROW.format("what", "median", "spread", "runs", "date").rstrip())
    for rows in (others, groups):
        ordered = sorted(rows, key=lambda record: -record.latency_ns)
        for record in ordered[:limit]:
            typer.echo(f"  {_line(record)}")
        if len(ordered) > limit:
            typer.echo(f"  ...  ({len(ordered) - limit} more)")


def _line(record: Record) -> str:
    name = record.what or record.digest
    what = name if record.kind == GROUP else f"{record.kind} {record.model}".strip()
    line = _ROW.format(
        what, format_ns(record.latency_ns), _spread(record), record.runs or "?",
        record.measured_at[:10],
    )  # fmt: skip
    return line.rstrip() if record.origin == "measured" else f"{line} {record.origin}".rstrip()


def _spread(record: Record) -> str:
    if not record.latency_ns:
        return ""
    low = round((1 - record.low_ns / record.latency_ns) * 100)
    high = round((record.high_ns / record.latency_ns - 1) * 100)
    return f"-{low}+{high}%"
