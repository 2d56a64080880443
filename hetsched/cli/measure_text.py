"""What `hetsched measure` prints: in 80 columns, or as JSON."""

import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import typer

from hetsched.cost.links import LinkTimes
from hetsched.cost.measure_load import Load
from hetsched.cost.measure_session import Row
from hetsched.cost.measured_links import Surroundings
from hetsched.cost.power import Power
from hetsched.quantity import format_ns

SCHEMA = 1
_WIDTH = 80
_ROW = "{:<16.16}  {:<9.9}  {:>9}  {:>6}  {:>5}  {:>7}  {:>6}  {:>6}"
_NOTABLE = 0.2
"""Share of disturbed runs that is worth a line."""


def print_rows(rows: Sequence[Row]) -> None:
    """A line per model, units and thread count; then what disturbed them."""
    if not rows:
        return
    head = ("model", "units", "latency", "known", "runs", "groups", "reused", "took")
    typer.echo(_ROW.format(*head).rstrip())
    for row in rows:
        typer.echo(_line(row))
    typer.echo("latency: median of the model, unsplit; known: 95% confidence, either way")
    typer.echo("groups: with the changes of layout between them; reused: not measured again")
    for row in rows:
        if row.load is not None and row.load.disturbed > _NOTABLE:
            note = f"note: {row.model} on {row.units[0]}: {_words(row.load)}"
            typer.echo(textwrap.fill(note, _WIDTH, subsequent_indent="  "))


def print_surroundings(around: Surroundings) -> None:
    """Links and power."""
    for link in around.links:
        speed = "" if link.bytes_per_s is None else f" + {link.bytes_per_s / 1e9:.3g} GB/s"
        ends = f"{link.source} > {link.target}"
        typer.echo(f"link {ends:<32.32} {link.how:<9} {format_ns(link.latency_ns)}{speed}")
    for power in around.power:
        typer.echo(
            f"power {power.meter.kind} {power.meter.name}: one busy unit draws "
            f"{power.drawn_mw:.0f} mW more than {power.idle_mw:.0f} mW"
        )
    if not around.power:
        typer.echo("power: this system tells none, so it stays unknown")


def as_json(
    rows: Sequence[Row],
    around: Surroundings | None,
    store: Path,
    profile: Path | None,
    *,
    interrupted: bool,
) -> str:
    """All of it as one object."""
    body = {
        "schema": SCHEMA,
        "models": [_row(row) for row in rows],
        "links": [_link(link) for link in around.links] if around is not None else [],
        "power": [_power(power) for power in around.power] if around is not None else [],
        "store": str(store),
        "profile": None if profile is None else str(profile),
        "interrupted": interrupted,
    }
    return msgspec.json.encode(body).decode()


def _line(row: Row) -> str:
    units = row.units[0] if len(row.units) == 1 else f"{row.units[0]} x{len(row.units)}"
    stored = row.pieces is None
    return _ROW.format(
        row.model,
        units,
        format_ns(row.measurement.latency_ns),
        _known(row.error),
        row.measurement.runs,
        len(row.measurement.parts) if stored else row.pieces,
        "all" if stored else row.reused,
        f"{row.seconds:.1f} s",
    ).rstrip()


def _known(error: float | None) -> str:
    """Too few runs give no interval: the error is 1 then."""
    if error is None:
        return ""
    return "?" if error >= 1 else f"{error:.1%}"


def _words(load: Load) -> str:
    parts = []
    if load.waited:
        parts.append(f"{load.waited} of {load.runs} runs waited for a CPU")
    if load.slowed:
        parts.append(f"{load.slowed} ran while memory or clock was slow ({load.slowdown:.2f}x)")
    return "; ".join(parts) + ": other programs were busy"


def _row(row: Row) -> dict[str, Any]:
    one = row.measurement
    return {
        "model": row.model,
        "sha256": one.digest,
        "units": row.units,
        "threads": row.threads,
        "dtype": one.dtype,
        "latency_ns": one.latency_ns,
        "low_ns": one.low_ns,
        "high_ns": one.high_ns,
        "runs": one.runs,
        "relative_error": row.error,
        "pieces": row.pieces,
        "reused": row.reused,
        "boundary_ns": row.boundary_ns,
        "load": None if row.load is None else _load(row.load),
        "seconds": row.seconds,
        "measured_at": one.measured_at,
    }


def _load(load: Load) -> dict[str, Any]:
    return {
        "runs": load.runs,
        "waited": load.waited,
        "slowed": load.slowed,
        "slowdown": load.slowdown,
    }


def _link(link: LinkTimes) -> dict[str, Any]:
    return {
        "source": link.source,
        "target": link.target,
        "how": link.how,
        "latency_ns": link.latency_ns,
        "bytes_per_s": link.bytes_per_s,
        "largest_relative_error": link.error,
        "median_ns": {str(size): spread.latency_ns for size, spread in link.times.items()},
    }


def _power(power: Power) -> dict[str, Any]:
    return {
        "meter": power.meter.name,
        "kind": power.meter.kind,
        "busy_mw": power.busy_mw,
        "idle_mw": power.idle_mw,
        "drawn_mw": power.drawn_mw,
        "seconds": power.seconds,
    }
