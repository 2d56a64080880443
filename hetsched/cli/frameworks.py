"""`hetsched frameworks`: what runs on what hardware, then and today, and each one's op tables."""

from pathlib import Path
from typing import Annotated

import typer

from hetsched.cli.options import use_tables


def frameworks(
    name: Annotated[
        str | None,
        typer.Argument(help="One framework in detail: its backends, limits and sources."),
    ] = None,
    framework: Annotated[
        str | None, typer.Option(help="The same; with --op, whose tables are asked.")
    ] = None,
    op: Annotated[
        str | None, typer.Option(help="What the framework's tables say about an ONNX op.")
    ] = None,
    tables: Annotated[
        list[Path] | None,
        typer.Option("--table", help="A table of your own, a CSV file; see docs/checking.md."),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print all fields, for machines.")
    ] = False,
) -> None:
    """List the frameworks that --framework knows, and the hardware they run on.

    Example: hetsched frameworks --framework mace --op Softmax
    """
    if name is not None and framework is not None and name != framework:
        raise typer.BadParameter(f"{name} and {framework}: give one", param_hint="--framework")
    name = name or framework
    if op is not None and name is None:
        raise typer.BadParameter("needs --framework too", param_hint="--op")
    use_tables(tables)
    if op is not None and name is not None:
        _print_op(name, op, as_json)
    elif as_json:
        typer.echo(_json(name))
    elif name is None:
        _print_matrix()
    else:
        _print_one(name)


def register(app: typer.Typer) -> None:
    """Add `frameworks` to the app."""
    app.command()(frameworks)


def _print_matrix() -> None:
    from hetsched.cli.frameworks_text import matrix_lines
    from hetsched.convert.capability_rows import index
    from hetsched.convert.frameworks import matrix

    for line in matrix_lines(matrix(), index()):
        typer.echo(line)


def _print_one(name: str) -> None:
    from hetsched.cli.frameworks_text import framework_lines, hardware_lines
    from hetsched.convert.frameworks import described, find, limits, matrix, title_of

    found = find(name)
    for one in found:
        for line in framework_lines(one, title_of(one), described(one), limits(one)):
            typer.echo(line)
        typer.echo()
    title = title_of(found[0])
    if title is None:
        typer.echo("Not in Table I.")
        return
    for line in hardware_lines([cell for cell in matrix() if cell.framework == title]):
        typer.echo(line)


def _print_op(name: str, op: str, as_json: bool) -> None:
    from hetsched.cli.frameworks_text import op_lines
    from hetsched.convert.frameworks import find, op_rows

    found = {one: op_rows(one, op) for one in find(name)}
    if as_json:
        import msgspec

        content = {"schema": 1, "op": op, "frameworks": found}
        typer.echo(msgspec.json.format(msgspec.json.encode(content), indent=2).decode())
        return
    for line in op_lines(op, found):
        typer.echo(line)


def _json(name: str | None) -> str:
    import msgspec

    from hetsched.convert.capability_rows import index
    from hetsched.convert.frameworks import (
        AS_OF,
        CAVEATS,
        PAPER,
        described,
        find,
        limits,
        matrix,
        title_of,
    )

    names = tuple(index()) if name is None else find(name)
    titles = {title_of(one) for one in names}
    content = {
        "schema": 1,
        "paper": PAPER,
        "as_of": AS_OF,
        "caveats": CAVEATS,
        "hardware": [cell for cell in matrix() if cell.framework in titles],
        "frameworks": [
            {
                "name": one,
                "in_table_1": title_of(one),
                "backends": described(one),
                "limits": limits(one),
            }
            for one in names
        ],
    }
    return msgspec.json.format(msgspec.json.encode(content), indent=2).decode()
