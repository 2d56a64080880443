"""What `hetsched top` shows: two snapshots of a runtime as text."""

from rich.console import Group
from rich.table import Table
from rich.text import Text

from hetsched.quantity import format_ns
from hetsched.runtime.snapshot import AppSnapshot, Snapshot, UnitSnapshot

_BAR = 10
_NONE = "-"


def screen(now: Snapshot, before: Snapshot | None = None) -> Group:
    """Rates and latencies since the snapshot before, else since the runtime's start."""
    span_s = (now.time_ns - (now.started_ns if before is None else before.time_ns)) / 1e9
    old_units = {unit.name: unit for unit in before.units} if before is not None else {}
    old_apps = {app.name: app for app in before.apps} if before is not None else {}
    busy = now.utilization(before)
    units = _table("unit:11", "backend:8", "busy:16", "is at:16", ">queue", ">stages/s", ">failed")
    for unit in now.units:
        units.add_row(*_unit(unit, old_units.get(unit.name), busy[unit.name], span_s))
    apps = _table(
        "app:13", ">req/s", ">flight", ">wait", ">p50", ">p95", ">p99", ">missed", ">dropped"
    )
    for app in now.apps:
        apps.add_row(*_app(app, old_apps.get(app.name), span_s))
    since = "since its start" if before is None else f"in the last {span_s:.1f} s"
    up = format_ns(now.time_ns - now.started_ns)
    head = f"hetsched, pid {now.pid}, policy {now.policy}, up {up}; rates and times {since}"
    return Group(Text(head, style="bold", no_wrap=True, overflow="ellipsis"), units, apps)


def _table(*columns: str) -> Table:
    """Columns as `name:width`; numbers, which are to the right, as `>name`."""
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 1, 0, 0))
    for column in columns:
        name, _, width = column.removeprefix(">").partition(":")
        table.add_column(
            name,
            justify="right" if column.startswith(">") else "left",
            max_width=int(width) if width else None,
            no_wrap=True,
            overflow="ellipsis",
        )
    return table


def _unit(unit: UnitSnapshot, old: UnitSnapshot | None, busy: float, span_s: float) -> list[str]:
    full = round(busy * _BAR)
    bar = f"{'#' * full}{'.' * (_BAR - full)} {busy:4.0%}"
    what = unit.running or ("idle" if unit.status == "up" else "")
    if unit.status != "up":
        what = unit.status
    stages = unit.stages - (0 if old is None else old.stages)
    rate = f"{stages / span_s:.1f}" if span_s > 0 else _NONE
    return [unit.name, unit.backend, bar, what, str(unit.queued), rate, str(unit.failures)]


def _app(app: AppSnapshot, old: AppSnapshot | None, span_s: float) -> list[str]:
    latency = app.latency if old is None else app.latency.since(old.latency)
    requests = app.requests - (0 if old is None else old.requests)
    missed = app.missed - (0 if old is None else old.missed)
    dropped = app.dropped - (0 if old is None else old.dropped)
    shares = (latency.quantile_ns(share) for share in (0.5, 0.95, 0.99))
    return [
        app.name,
        f"{requests / span_s:.1f}" if span_s > 0 else _NONE,
        str(app.in_flight),
        str(app.waiting),
        *(_NONE if ns is None else format_ns(ns) for ns in shares),
        f"{missed / requests:.0%}" if requests else _NONE,
        f"{dropped / requests:.0%}" if requests else _NONE,
    ]
