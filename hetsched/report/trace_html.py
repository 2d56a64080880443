"""A trace as a page: tables of apps and units, use over time, and a stretch of it in detail."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from hetsched.quantity import format_ns
from hetsched.report.page import heading, key, listed, page, paragraph, table
from hetsched.report.svg import Bar, picture
from hetsched.trace.events import NONE, Kind
from hetsched.trace.model import Trace
from hetsched.trace.tables import STATUS_NAMES, requests, runs, tallies

BINS: Final = 200
"""Stretches that use over time is shown in."""

DETAIL: Final = 250
"""Runs of stages that the detail shows by default."""

_LATE = [STATUS_NAMES.index(name) for name in ("missed", "dropped", "failed")]
_ANSWERED = [STATUS_NAMES.index(name) for name in ("completed", "missed")]


def trace_page(trace: Trace, window_ns: tuple[int, int] | None = None) -> str:
    """The page.

    Args:
        trace: what to show.
        window_ns: what to show in detail, since the trace's beginning; by default its beginning.
    """
    first_ns, last_ns = trace.span_ns
    ran = runs(trace)
    names = list(dict.fromkeys(app.name for app in trace.apps))
    body = [*_facts(trace)]
    body += [heading("Apps"), _apps(trace, names)]
    body += [heading("Units"), _units(trace, ran)]
    body += [heading("Use over time"), key(names), _use(trace, ran, names)]
    start, end = window_ns or _beginning(ran, first_ns, last_ns)
    body += [heading(f"Stages from {format_ns(start)} to {format_ns(end)}"), key(names)]
    body += [_detail(trace, ran, names, start, end)]
    title = "A simulation" if trace.header.origin == "simulated" else "A run"
    return page(f"{title}: {listed(names, 'apps') or 'no app'}", body)


def _facts(trace: Trace) -> list[str]:
    header = trace.header
    span_ns = trace.span_ns[1] - trace.span_ns[0]
    words = [f"{len(trace.events)} events in {format_ns(span_ns)}"]
    if header.profile is not None:
        words.append(f"SoC {header.profile}")
    words += [f"{name} {value}" for name, value in header.about.items()]
    words += [f"{name} {value}" for name, value in header.versions.items()]
    if header.started_at is not None:
        words.append(f"begun {header.started_at}")
    facts = [paragraph("; ".join(words))]
    if header.origin == "simulated":
        facts.append(paragraph("Computed by a simulation, not measured."))
    if not trace.is_complete:
        facts.append(paragraph("Interrupted: what came last is missing.", warns=True))
    if trace.lost:
        facts.append(paragraph(f"{trace.lost} events got lost.", warns=True))
    return facts


def _apps(trace: Trace, names: Sequence[str]) -> str:
    counted = tallies(trace)
    rows_of = requests(trace)
    name_of = {app.number: app.name for app in trace.apps}
    whose = np.array([names.index(name_of[int(app)]) for app in rows_of["app"]], np.intp)
    rows = []
    for at, name in enumerate(names):
        mine = rows_of[whose == at]
        answered = mine[np.isin(mine["status"], _ANSWERED)]
        taken_ns = answered["finished_ns"] - answered["submitted_ns"]
        count = counted[name]
        bad = count["missed"] + count["dropped"] + count["failed"]
        over = bad + count["completed"]
        shares = (50, 95, 99, 100)
        rows.append(
            [
                name,
                *(str(count[column]) for column in ("requests", *STATUS_NAMES, "in_flight")),
                f"{bad / over:.2%}" if over else "-",
                *(format_ns(np.percentile(taken_ns, q)) if len(taken_ns) else "-" for q in shares),
            ]
        )
    columns = ("requests", *STATUS_NAMES, "in flight", "miss rate", "p50", "p95", "p99", "longest")
    return table([("app", False), *((column, True) for column in columns)], rows)


def _units(trace: Trace, ran: np.ndarray) -> str:
    span_ns = max(1, trace.span_ns[1] - trace.span_ns[0])
    rows = []
    for at, unit in enumerate(trace.header.units):
        mine = ran[ran["unit"] == at]
        busy_ns = int((mine["end_ns"] - mine["start_ns"]).sum())
        failed = int((mine["outcome"] == Kind.FAILED).sum())
        use, stages = f"{busy_ns / span_ns:.1%}", str(len(mine))
        rows.append([unit.name, unit.backend or "-", use, format_ns(busy_ns), stages, str(failed)])
    columns = (("unit", False), ("backend", False), ("busy", True), ("for", True))
    return table([*columns, ("stages", True), ("failed", True)], rows)


def _use(trace: Trace, ran: np.ndarray, names: Sequence[str]) -> str:
    """Per unit the share of each stretch of time that each app had, one upon the other."""
    first_ns, last_ns = trace.span_ns
    edges = np.linspace(0, max(1, last_ns - first_ns), BINS + 1)
    bars: list[Bar] = []
    for unit in range(len(trace.header.units)):
        base = np.zeros(BINS)
        for colour, name in enumerate(names):
            numbers = [app.number for app in trace.apps if app.name == name]
            mine = ran[(ran["unit"] == unit) & np.isin(ran["app"], numbers)]
            share = _shares(mine["start_ns"] - first_ns, mine["end_ns"] - first_ns, edges)
            bars += [
                Bar(
                    row=unit,
                    start_ns=edges[at],
                    end_ns=edges[at + 1],
                    colour=colour,
                    title=f"{name}: {share[at]:.0%}",
                    share=float(share[at]),
                    base=float(base[at]),
                )
                for at in np.flatnonzero(share > 0)
            ]
            base += share
    units = [unit.name for unit in trace.header.units]
    return picture(units, bars, 0, max(1, last_ns - first_ns), "how busy each unit was over time")


def _shares(starts: np.ndarray, ends: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """The share of each stretch between edges that some runs cover, (len(edges) - 1,).

    Up to time t they have covered the sum over all runs of min(t, end) - min(t, start); with sorted
    starts and ends that is two cumulative sums.
    """

    def covered(times: np.ndarray) -> np.ndarray:
        ordered = np.sort(times).astype(np.float64)
        sums = np.concatenate(([0.0], np.cumsum(ordered)))
        before = np.searchsorted(ordered, edges)
        return np.asarray(sums[before] + (len(ordered) - before) * edges)

    busy = np.diff(covered(ends) - covered(starts))
    return np.asarray(np.clip(busy / np.diff(edges), 0.0, 1.0))


def _beginning(ran: np.ndarray, first_ns: int, last_ns: int) -> tuple[int, int]:
    """The stretch, since the beginning, in which the first `DETAIL` runs are."""
    ends = np.sort(ran["end_ns"])
    end_ns = int(ends[DETAIL - 1]) if len(ends) > DETAIL else last_ns
    return 0, max(1, end_ns - first_ns)


def _detail(trace: Trace, ran: np.ndarray, names: Sequence[str], start: int, end: int) -> str:
    first_ns = trace.span_ns[0]
    is_in = (ran["end_ns"] - first_ns >= start) & (ran["start_ns"] - first_ns <= end)
    units = [unit.name for unit in trace.header.units]
    bars = []
    for row in ran[is_in]:
        app = trace.app[int(row["app"])]
        begin, stop = int(row["start_ns"]) - first_ns, int(row["end_ns"]) - first_ns
        stage = app.stages[row["stage"]]
        bars.append(
            Bar(
                row=int(row["unit"]),
                start_ns=begin,
                end_ns=stop,
                colour=names.index(app.name),
                title=f"{app.name} {stage}, request {row['request']}: {format_ns(stop - begin)}",
                is_bad=bool(row["outcome"] in (Kind.FAILED, Kind.UNIT_DOWN)),
            )
        )
    marks, rows = _ends(trace, names, start, end, len(units))
    caption = "which stage each unit ran when, and when requests ended late, were dropped or failed"
    return picture([*units, *rows], [*bars, *marks], start, end, caption)


def _ends(
    trace: Trace, names: Sequence[str], start: int, end: int, top: int
) -> tuple[list[Bar], list[str]]:
    """A row per app with its requests from submission to end; bad ones have a red frame."""
    first_ns, last_ns = trace.span_ns
    name_of = {app.number: app.name for app in trace.apps}
    bars = []
    for row in requests(trace):
        came = int(row["submitted_ns"]) - first_ns
        gone = int(row["finished_ns"] if row["status"] != NONE else last_ns) - first_ns
        if gone < start or came > end:
            continue
        at = names.index(name_of[int(row["app"])])
        status = STATUS_NAMES[row["status"]] if row["status"] != NONE else "in flight"
        bars.append(
            Bar(
                row=top + at,
                start_ns=came,
                end_ns=gone,
                colour=at,
                title=f"request {row['request']} {status}: {format_ns(gone - came)}",
                is_bad=bool(np.isin(row["status"], _LATE)),
                share=0.5,
            )
        )
    return bars, [f"{name} requests" for name in names]
