"""`hetsched report`: a picture of a trace or a plan."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from hetsched.trace.model import Trace

_EXAMPLE = """Example: hetsched report x.trace -o x.html --perfetto x.json"""


def report(
    path: Annotated[Path, typer.Argument(metavar="TRACE|PLAN", help="A trace or a plan file.")],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="OUT.html", help="A page, one file.")
    ] = None,
    perfetto: Annotated[
        Path | None,
        typer.Option(metavar="OUT.json", help="For ui.perfetto.dev; of a trace only."),
    ] = None,
    window: Annotated[
        str | None,
        typer.Option(metavar="FROM,TO", help="Show this in detail, as 1.5s,1.6s since the start."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace files that are there.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="What is in it, as JSON.")] = False,
) -> None:
    """Draw a trace or a plan; without an output, say what is in it."""
    from hetsched.trace.files import refuse_existing

    for target in (output, perfetto):
        if target is not None:
            refuse_existing(target, force=force)
    if _is_plan(path):
        if perfetto is not None or window is not None:
            raise typer.BadParameter("--perfetto and --window are for traces, and this is a plan")
        _report_plan(path, output, force, as_json)
    else:
        _report_trace(path, output, perfetto, _span(window), force, as_json)


report.__doc__ = f"{report.__doc__}\n\n{_EXAMPLE}"


def register(app: typer.Typer) -> None:
    """Add `report` to the app."""
    app.command()(report)


def _is_plan(path: Path) -> bool:
    """A plan begins with a brace on a line of its own, a trace's header is all on one line."""
    try:
        with path.open("rb") as file:
            return file.read(2) == b"{\n"
    except OSError:
        return False  # load_trace says why


def _span(window: str | None) -> tuple[int, int] | None:
    if window is None:
        return None
    from hetsched.errors import HetschedError
    from hetsched.quantity import parse_duration_ns

    try:
        start_ns, end_ns = (parse_duration_ns(part) for part in window.split(","))
    except (ValueError, HetschedError) as error:
        raise typer.BadParameter(f"{window!r}: give two times, as 1.5s,1.6s") from error
    if start_ns >= end_ns:
        raise typer.BadParameter(f"{window!r} ends before it begins")
    return start_ns, end_ns


def _report_plan(path: Path, output: Path | None, force: bool, as_json: bool) -> None:
    from hetsched.plan.files import load_plan, write_output
    from hetsched.report.plan_html import plan_page

    plan = load_plan(path)
    if output is not None:
        write_output(output, plan_page(plan), force=force)
    facts = {"plan": plan.model.name, "profile": plan.profile.name, "stages": len(plan.subgraphs)}
    _say(facts, [output], as_json)


def _report_trace(
    path: Path,
    output: Path | None,
    perfetto: Path | None,
    window_ns: tuple[int, int] | None,
    force: bool,
    as_json: bool,
) -> None:
    from hetsched.cli.progress import step
    from hetsched.plan.files import write_output
    from hetsched.report.perfetto import save_perfetto
    from hetsched.report.trace_html import trace_page
    from hetsched.trace.files import load_trace

    with step(f"reading {path.name}"):
        trace = load_trace(path)
    if output is not None:
        with step(f"drawing {output.name}"):
            write_output(output, trace_page(trace, window_ns), force=force)
    if perfetto is not None:
        with step(f"writing {perfetto.name}"):
            save_perfetto(trace, perfetto, force=force)
    _say(_facts(trace), [output, perfetto], as_json)


def _facts(trace: "Trace") -> dict[str, Any]:
    from hetsched.trace.tables import tallies

    first_ns, last_ns = trace.span_ns
    return {
        "origin": trace.header.origin,
        "events": len(trace.events),
        "lost": trace.lost,
        "is_complete": trace.is_complete,
        "span_ns": last_ns - first_ns,
        "units": [unit.name for unit in trace.header.units],
        "apps": tallies(trace),
    }


def _say(facts: dict[str, Any], written: list[Path | None], as_json: bool) -> None:
    paths = [str(path) for path in written if path is not None]
    if as_json:
        typer.echo(json.dumps({"schema": 1, **facts, "written": paths}))
        return
    for name, value in facts.items():
        if name == "apps":
            for app, counts in value.items():
                told = ", ".join(f"{count} {what}" for what, count in counts.items() if count)
                typer.echo(f"app {app}: {told or 'no requests'}")
        elif name == "is_complete":
            if not value:
                typer.echo("interrupted: what came last is missing")
        elif name != "lost" or value:
            shown = ", ".join(value) if isinstance(value, list) else value
            typer.echo(f"{name.replace('_', ' ')}: {shown}")
    for path in paths:
        typer.echo(f"written: {path}")
