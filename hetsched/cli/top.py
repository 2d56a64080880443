"""`hetsched top`: what a running runtime is at, live."""

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from hetsched.runtime.snapshot import Snapshot

_EXAMPLE = """Example: HETSCHED_TOP=1 python camera.py & hetsched top"""


def top(
    which: Annotated[
        str | None,
        typer.Argument(metavar="[PID|SOCKET]", help="Which runtime, when there are several."),
    ] = None,
    interval: Annotated[str, typer.Option(help="Between two looks, such as 500ms.")] = "1s",
    once: Annotated[bool, typer.Option("--once", help="Look once: since the start.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="A line of JSON per look.")] = False,
) -> None:
    """Show a running runtime's units, queues and latencies; it must publish them.

    A program's runtime does with Runtime(publish=True), or when it was started with HETSCHED_TOP=1
    in its environment.
    """
    from hetsched.quantity import parse_duration_ns

    interval_s = parse_duration_ns(interval) / 1e9
    if not interval_s > 0:
        raise typer.BadParameter(f"{interval!r} is no time", param_hint="--interval")
    path = _socket(which)
    if as_json:
        _print_json(path, interval_s, once)
    elif once:
        _print_once(path)
    else:
        _watch(path, interval_s)


top.__doc__ = f"{top.__doc__}\n\n{_EXAMPLE}"


def register(app: typer.Typer) -> None:
    """Add `top` to the app."""
    app.command()(top)


def _socket(which: str | None) -> Path:
    from hetsched.errors import RunError
    from hetsched.runtime.publish import VARIABLE, published

    if which is not None and not which.isdigit():
        return Path(which)
    found = [path for path in published() if which in (None, path.name.partition("-")[0])]
    if len(found) == 1:
        return found[0]
    if found:
        raise RunError(
            f"{len(found)} runtimes publish: name one, {', '.join(map(_described, found))}"
        )
    of = "no runtime publishes" if which is None else f"no runtime of process {which} publishes"
    raise RunError(f"{of} here: start it with Runtime(..., publish=True), or with {VARIABLE}=1 set")


def _described(path: Path) -> str:
    from hetsched.errors import RunError
    from hetsched.runtime.publish import read_snapshot

    try:
        apps = ", ".join(app.name for app in read_snapshot(path).apps) or "no app yet"
    except RunError:
        apps = "it just ended"
    return f"{path} ({apps})"


def _print_once(path: Path) -> None:
    from rich.console import Console

    from hetsched.cli.top_text import screen
    from hetsched.runtime.publish import read_snapshot

    Console(highlight=False).print(screen(read_snapshot(path)))


def _print_json(path: Path, interval_s: float, once: bool) -> None:
    before = None
    while (now := _next(path, is_first=before is None)) is not None:
        typer.echo(json.dumps(as_dict(now, before)))
        if once:
            return
        before = now
        time.sleep(interval_s)


def _watch(path: Path, interval_s: float) -> None:
    from rich.console import Console
    from rich.live import Live

    from hetsched.cli.top_text import screen

    before = _next(path, is_first=True)
    assert before is not None
    console = Console(highlight=False)
    with Live(screen(before), console=console, screen=console.is_terminal) as live:
        while True:
            time.sleep(interval_s)
            now = _next(path, is_first=False)
            if now is None:
                break
            live.update(screen(now, before), refresh=True)
            before = now
    console.print(f"the runtime of process {before.pid} has ended")


def _next(path: Path, *, is_first: bool) -> "Snapshot | None":
    """A snapshot; None when the runtime has ended since the one before."""
    from hetsched.errors import RunError
    from hetsched.runtime.publish import read_snapshot

    try:
        return read_snapshot(path)
    except RunError:
        if is_first:
            raise
        return None


def as_dict(now: "Snapshot", before: "Snapshot | None") -> dict[str, Any]:
    """A snapshot with what follows from it: utilisation, rates and percentiles."""
    import msgspec

    found: dict[str, Any] = msgspec.to_builtins(now)
    busy = now.utilization(before)
    for unit in found["units"]:
        unit["utilization"] = busy[unit["name"]]
    old = {app.name: app.latency for app in before.apps} if before is not None else {}
    for app, row in zip(now.apps, found["apps"], strict=True):
        latency = app.latency.since(old[app.name]) if app.name in old else app.latency
        for share in (50, 95, 99):
            row[f"p{share}_ns"] = latency.quantile_ns(share / 100)
        row["miss_rate"] = app.miss_rate
        del row["latency"]
    return found
