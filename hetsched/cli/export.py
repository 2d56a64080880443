"""`hetsched export`: a model, or a plan's parts, as another framework takes them."""

import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hetsched.cli.options import parse_shapes

if TYPE_CHECKING:
    from hetsched.convert.export.part import Part
    from hetsched.convert.export.report import Report
    from hetsched.ir.model import Model

_EXAMPLE = "Example: hetsched export det.plan.json --to onnx -o det.parts"


def export(
    source: Annotated[
        str,
        typer.Argument(
            metavar="PLAN|MODEL", help="A plan file (.json), an ONNX file, or zoo:NAME."
        ),
    ],
    to: Annotated[str, typer.Option("--to", help="The target: onnx, tflite, tnn.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="The folder to make.")],
    model: Annotated[
        str | None, typer.Option(help="Where a plan's model is now: a file, or zoo:NAME.")
    ] = None,
    shape: Annotated[
        list[str] | None, typer.Option(help="Freeze a model input's shape: NAME=1,3,480,640.")
    ] = None,
    tool_env: Annotated[
        Path | None, typer.Option(help="A virtual environment that has the target's own tool.")
    ] = None,
    no_tools: Annotated[
        bool, typer.Option("--no-tools", help="Install nothing: fail, or leave it unproven.")
    ] = False,
    prove: Annotated[
        bool, typer.Option("--prove", help="Install what proves it, if it isn't there.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Replace the folder of an earlier export.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Write a model, or the parts of a plan, for another framework into a new folder."""
    report = _export(
        source,
        to,
        output,
        model,
        parse_shapes(shape or []),
        tool_env,
        no_tools=no_tools,
        prove=prove,
        force=force,
    )
    if as_json:
        import msgspec

        typer.echo(msgspec.json.encode(report).decode())
        return
    for line in _lines(report, output):
        typer.echo(line)


export.__doc__ = f"{export.__doc__}\n\n{_EXAMPLE}"


def register(app: typer.Typer) -> None:
    """Add `export` to the app."""
    app.command()(export)


def _export(
    source: str,
    to: str,
    output: Path,
    model: str | None,
    shapes: dict[str, tuple[int, ...]],
    tool_env: Path | None,
    *,
    no_tools: bool,
    prove: bool,
    force: bool,
) -> "Report":
    from hetsched.cli.progress import step
    from hetsched.convert.export.frame import check_folder
    from hetsched.convert.export.frame import export as write
    from hetsched.convert.export.target import find
    from hetsched.convert.export.tools import Tools

    if no_tools and prove:
        raise typer.BadParameter("--no-tools and --prove contradict each other")
    target = find(to)
    check_folder(output, force=force)
    with step(f"loading {source}"):
        loaded, parts = _loaded(source, model, shapes)
    tools = Tools(given=tool_env, make=not no_tools, prove=prove)
    with step(f"writing for {to}"):
        return write(loaded, target, output, parts=parts, source=source, force=force, tools=tools)


def _loaded(
    source: str, model: str | None, shapes: dict[str, tuple[int, ...]]
) -> "tuple[Model, list[Part]]":
    from hetsched.ir.load import load

    if not source.endswith(".json"):
        if model is not None:
            raise typer.BadParameter(f"--model is for plans, and {source} is a model")
        return load(source, shapes=shapes), []
    if shapes:
        raise typer.BadParameter("--shape is for models: a plan has its shapes")
    from hetsched.convert.export.part import make_part
    from hetsched.plan.files import load_model_for, load_plan

    plan = load_plan(source)
    loaded = load_model_for(plan, source, model)
    return loaded, [
        make_part(loaded.graph, part.id, part.ops, part.outputs, part.unit)
        for part in plan.subgraphs
    ]


def _lines(report: "Report", output: Path) -> list[str]:
    from hetsched.convert.export.readme import proofs

    count = len(report.parts)
    files = sum(len(part.files) for part in report.parts)
    found = [
        f"{report.model} for {report.target}: {count} {'part' if count == 1 else 'parts'}, "
        f"{files} {'file' if files == 1 else 'files'} in {output}"
    ]
    for line in proofs(report):
        found += _wrapped(f"  proven: {line}")
    notes = [*report.notes, *(f"{p.name}: {note}" for p in report.parts for note in p.notes)]
    for note in notes:
        found += _wrapped(f"  note: {note}")
    return found


def _wrapped(line: str) -> list[str]:
    return textwrap.wrap(
        line, 80, subsequent_indent="    ", break_long_words=False, break_on_hyphens=False
    )
