"""`hetsched profiles`: the SoCs that are known, and what each number about them rests on."""

import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from hetsched.soc.figure import Figure
    from hetsched.soc.profile import Link, Profile, Unit

_WIDTH = 80
_LIST_ROW = "{:<19}  {:<34}  {}"
_UNIT_ROW = "{:<11} {:<4} {:<19} {:<8} {:<13} {}"
_FIGURE_ROW = "  {:<22} {:<16} {:<11} {}"
_UNKNOWN = "unknown"


def profiles(
    context: typer.Context,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print all fields, for machines.")
    ] = False,
) -> None:
    """List the SoCs that `--profile` knows.

    Example: hetsched profiles show helio-g90
    """
    if context.invoked_subcommand is not None:
        return
    from hetsched.soc.catalog import names, profile

    found = [profile(name) for name in names()]
    if as_json:
        typer.echo(_json([_brief(soc) for soc in found]))
        return
    typer.echo(_LIST_ROW.format("name", "SoC", "units"))
    for soc in found:
        units = textwrap.wrap(", ".join(unit.name for unit in soc.units), 22)
        for index, line in enumerate(units):
            head = ("", "") if index else (soc.name, textwrap.shorten(soc.title, 34))
            typer.echo(_LIST_ROW.format(*head, line).rstrip())
    typer.echo("\nThis machine, measured on the spot, is --profile host.")
    typer.echo("Details and origins: hetsched profiles show NAME. A file of your own: NAME.toml.")


def show(
    name: Annotated[str, typer.Argument(help="A name of `hetsched profiles`, or a .toml file.")],
    as_json: Annotated[
        bool, typer.Option("--json", help="Print all fields, for machines.")
    ] = False,
    sources: Annotated[
        bool, typer.Option("--sources", help="Say below each number where it was read.")
    ] = False,
    rows: Annotated[
        bool, typer.Option("--rows", help="List every published row with its prediction.")
    ] = False,
) -> None:
    """Print a SoC's units, links and numbers, each with its origin and error band.

    Example: hetsched profiles show helio-g90 --sources
    """
    from hetsched.soc.catalog import profile

    soc = profile(name)
    if as_json:
        typer.echo(_json(_full(soc)))
        return
    for line in _lines(soc, sources):
        typer.echo(line)
    if any(unit.calibration for unit in soc.units):
        from hetsched.cli.profile_errors import details

        typer.echo("")
        for line in details(soc, rows):
            typer.echo(line)


def new(
    name: Annotated[str, typer.Argument(help="Name of the SoC, as my-soc.")],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="The file; NAME.toml when left out.")
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace an existing output file.")
    ] = False,
) -> None:
    """Write a profile of your own SoC to fill in: every key with what it means.

    Example: hetsched profiles new my-soc
    """
    from hetsched.soc.skeleton import write_skeleton

    path = output or Path(f"{name}.toml")
    write_skeleton(name, path, force=force)
    typer.echo(f"{path}: replace the numbers, then: hetsched profiles show {path}")


def errors() -> None:
    """Print how well all profiles reproduce published latencies, as a Markdown table.

    Example: hetsched profiles errors
    """
    from hetsched.cli.profile_errors import markdown
    from hetsched.soc.catalog import names, profile

    for line in markdown(profile(name) for name in names()):
        typer.echo(line)


def register(app: typer.Typer) -> None:
    """Add `profiles` and its subcommands to the app."""
    group = typer.Typer(invoke_without_command=True)
    group.callback()(profiles)
    group.command("show")(show)
    group.command("new")(new)
    group.command("errors")(errors)
    app.add_typer(group, name="profiles")


def _json(content: object) -> str:
    import msgspec

    return msgspec.json.format(msgspec.json.encode(content), indent=2).decode()


def _brief(soc: "Profile") -> dict[str, object]:
    units = [unit.name for unit in soc.units]
    return {"name": soc.name, "title": soc.title, "units": units, "sha256": soc.sha256}


def _full(soc: "Profile") -> dict[str, object]:
    import msgspec

    content: dict[str, object] = msgspec.to_builtins(soc)
    return {**content, "sha256": soc.sha256}


def _lines(soc: "Profile", sources: bool) -> Iterator[str]:
    from hetsched.cli.profile_power import heat

    yield f"{soc.name}: {soc.title or 'no title'}"
    yield f"sha256 {soc.sha256}"
    anywhere = soc.requests == "anywhere"
    where = "the memory that all units share" if anywhere else f"the memory of {soc.home}"
    yield f"Requests and results live in {where}."
    yield ""
    yield _UNIT_ROW.format("unit", "kind", "what", "dtype", "peak", "runs the ops of").rstrip()
    for unit in soc.units:
        yield _unit_row(unit)
    yield from _memory_lines(soc, sources)
    yield from heat(soc, sources)
    for unit in soc.units:
        yield from _unit_lines(unit, sources)
    yield from _link_lines(soc, sources)
    yield from _unknown_lines("Not known about this SoC:", soc.unknown)


def _unit_row(unit: "Unit") -> str:
    peak = unit.peak.text if unit.peak is not None else _UNKNOWN
    what = textwrap.shorten(unit.title or f"{unit.cores} cores", 19, placeholder="...")
    ops = f"{unit.framework} {unit.backend}"
    return _UNIT_ROW.format(unit.name, unit.kind, what, unit.dtype, peak, ops).rstrip()


def _memory_lines(soc: "Profile", sources: bool) -> Iterator[str]:
    yield ""
    if soc.memory is None:
        yield "memory: unknown"
        return
    yield f"memory: {soc.memory.kind}"
    yield from _figure_lines("bandwidth", soc.memory.bandwidth, sources)
    yield from _figure_lines("capacity", soc.memory.capacity, sources)
    yield from _figure_lines("usable by all units", soc.memory.usable, sources)


def _unit_lines(unit: "Unit", sources: bool) -> Iterator[str]:
    from hetsched.cli.profile_power import idle, levels

    yield ""
    yield f"{unit.name}: {unit.title}, {unit.dtype}, cores {unit.cores}"
    yield _FIGURE_ROW.format("figure", "value", "origin", "error band").rstrip()
    for label, figure in (
        ("frequency", unit.frequency),
        ("peak", unit.peak),
        ("dispatch per stage", unit.dispatch),
        ("power", unit.power),
        ("memory limit", unit.memory),
    ):
        yield from _figure_lines(label, figure, sources)
    yield from levels(unit.levels, sources)
    yield from idle(unit.idle, sources)
    for dtype, rates in unit.rates.items():
        for field, figure in rates.stated().items():
            yield from _figure_lines(f"{dtype} {field.replace('_', ' ')}", figure, sources)
    if not unit.rates:
        yield "  no rates: its costs can only be measured"
    yield from _unknown_lines("  not known:", unit.unknown)


def _link_lines(soc: "Profile", sources: bool) -> Iterator[str]:
    for link in soc.links:
        yield ""
        yield f"{link.between[0]} - {link.between[1]}: {_link_text(link)}"
        yield from _figure_lines("latency", link.latency, sources)
        if link.bandwidth is not None:
            yield from _figure_lines("bandwidth", link.bandwidth, sources)
        if link.conversion is not None:
            yield from _figure_lines("dtype conversion", link.conversion, sources)


def _link_text(link: "Link") -> str:
    return "shared memory, nothing copied" if link.bandwidth is None else "copied"


def _figure_lines(label: str, figure: "Figure | None", sources: bool) -> Iterator[str]:
    if figure is None:
        yield _FIGURE_ROW.format(label, _UNKNOWN, "", "").rstrip()
        return
    yield _FIGURE_ROW.format(label, figure.text, figure.origin.value, figure.band).rstrip()
    if sources:
        indent = " " * 6
        yield from textwrap.wrap(
            figure.source, _WIDTH, initial_indent=indent, subsequent_indent=indent
        )


def _unknown_lines(title: str, items: tuple[str, ...]) -> Iterator[str]:
    if not items:
        return
    if not title.startswith(" "):
        yield ""
    yield title
    for item in items:
        yield from textwrap.wrap(item, _WIDTH, initial_indent="    - ", subsequent_indent=" " * 6)
