"""`hetsched check`: which ops block where, why, and what would help."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hetsched.cli.options import parse_shapes, use_tables

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hetsched.convert.check import Blocker, Verdict
    from hetsched.ir.graph import Graph
    from hetsched.ir.model import Model

BLOCKS = 3
"""Exit code: analysed, and something blocks."""


def check(
    model: Annotated[str, typer.Argument(help="An ONNX file, or zoo:NAME.")],
    framework: Annotated[str | None, typer.Option(help="A name of `hetsched frameworks`.")] = None,
    backend: Annotated[str | None, typer.Option(help="A backend of that framework.")] = None,
    profile: Annotated[
        str | None, typer.Option(help="A SoC: a name of `hetsched profiles`, or a .toml file.")
    ] = None,
    unit: Annotated[str | None, typer.Option(help="A unit of that SoC.")] = None,
    shape: Annotated[
        list[str] | None, typer.Option(help="Freeze an input's shape: NAME=1,3,480,640.")
    ] = None,
    costs: Annotated[
        bool, typer.Option("--costs", help="Search for remedies and say what each costs.")
    ] = False,
    tables: Annotated[
        list[Path] | None, typer.Option("--table", help="A capability table of your own: CSV.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Say which of a model's ops run where, what blocks, and which scenario may help.

    Without a target: a table of all frameworks and backends, and exit code 0. With one: each
    blocking op too, and exit code 3 when an op blocks or nobody knows whether it runs.

    Example: hetsched check zoo:ppocr-det --framework mace --backend apu
    """
    if backend is not None and framework is None:
        raise typer.BadParameter("needs --framework too", param_hint="--backend")
    if unit is not None and profile is None:
        raise typer.BadParameter("needs --profile too", param_hint="--unit")
    if costs and not (backend or unit):
        raise typer.BadParameter("needs --backend or --unit too", param_hint="--costs")
    use_tables(tables)
    loaded = _load(model, parse_shapes(shape or []))
    verdicts = _verdicts(loaded.graph, framework, backend, profile, unit)
    blockers = _blockers(loaded, verdicts) if framework or profile else None
    if costs and blockers:
        blockers = _priced(loaded, blockers, framework, backend, profile, unit)
    if as_json:
        typer.echo(_json(loaded, verdicts, blockers))
    else:
        where = " ".join(filter(None, (profile, unit, framework, backend)))
        for line in _lines(loaded, where, verdicts, blockers):
            typer.echo(line)
        for line in _notes(loaded.graph, framework, backend):
            typer.echo(line)
    if blockers:
        raise typer.Exit(BLOCKS)


def register(app: typer.Typer) -> None:
    """Add `check` to the app."""
    app.command()(check)


def _load(model: str, shapes: dict[str, tuple[int, ...]]) -> "Model":
    from hetsched.cli.progress import step
    from hetsched.ir.load import load

    with step(f"loading {model}"):
        return load(model, shapes=shapes)


def _verdicts(
    graph: "Graph",
    framework: str | None,
    backend: str | None,
    profile: str | None,
    unit: str | None,
) -> "tuple[Verdict, ...]":
    from hetsched.cli.progress import step
    from hetsched.convert import check as checks
    from hetsched.soc.catalog import profile as find_profile

    soc = None if profile is None else find_profile(profile)
    with step("checking"):
        if soc is not None and unit is not None:
            return (checks.check_unit(graph, soc, unit, framework, backend),)
        if soc is not None:
            return checks.check_profile(graph, soc, framework, backend)
        if framework is not None and backend is not None:
            return (checks.check_backend(graph, framework, backend),)
        if framework is not None:
            return checks.check_framework(graph, framework)
        return checks.check_everything(graph)


def _blockers(model: "Model", verdicts: "tuple[Verdict, ...]") -> "tuple[Blocker, ...]":
    from hetsched.convert.check import blockers, without_ways_in
    from hetsched.convert.scenario import rules_of

    return blockers(model.graph, without_ways_in(verdicts), rules_of(model))


def _notes(graph: "Graph", framework: str | None, backend: str | None) -> "Sequence[str]":
    from hetsched.cli.check_text import paragraph
    from hetsched.convert.check import opset_notes

    if framework is None or backend is None:
        return ()
    return [
        line
        for note in opset_notes(graph, framework, backend)
        for line in paragraph(f"note: {note}")
    ]


def _priced(
    model: "Model",
    blockers: "tuple[Blocker, ...]",
    framework: str | None,
    backend: str | None,
    profile: str | None,
    unit: str | None,
) -> "tuple[Blocker, ...]":
    from hetsched.cli.progress import step
    from hetsched.convert.fitting import fitting_target
    from hetsched.convert.price import work
    from hetsched.convert.remedy_cost import priced
    from hetsched.convert.target import profile_target
    from hetsched.place.rewrites import unit_price
    from hetsched.quantity import format_ns
    from hetsched.soc.catalog import profile as find_profile

    with step("searching for remedies"):
        if framework is not None:
            target = fitting_target(model.graph, framework, backend)
            return priced(model, target, blockers, work, lambda amount: f"work {amount:,.0f}")
        soc = find_profile(profile or "")
        price = unit_price(soc, [unit or ""])
        return priced(
            model, profile_target(soc, unit), blockers, price, lambda ns: format_ns(round(ns))
        )


def _lines(
    model: "Model",
    where: str,
    verdicts: "tuple[Verdict, ...]",
    blockers: "tuple[Blocker, ...] | None",
) -> "Sequence[str]":
    from hetsched.cli import check_text as text

    ops = len(model.graph.ops)
    if blockers is None:
        note = "One of them in detail: --framework NAME --backend NAME."
        return [f"{model.name}: {ops} ops", *text.matrix_lines(verdicts), "", note]
    if len(verdicts) == 1:
        head = text.summary(verdicts[0], model.name, where)
        return [*text.paragraph(head), *text.blocker_lines(blockers)]
    units = any(verdict.unit for verdict in verdicts)
    head = text.common_summary(blockers, ops, model.name, where, units)
    return [
        *text.paragraph(head),
        *text.matrix_lines(verdicts),
        *([""] if blockers else []),
        *text.blocker_lines(blockers),
    ]


def _json(
    model: "Model", verdicts: "tuple[Verdict, ...]", blockers: "tuple[Blocker, ...] | None"
) -> str:
    import msgspec

    content = {
        "schema": 1,
        "model": {"name": model.name, "sha256": model.sha256, "ops": len(model.graph.ops)},
        "targets": [_target(verdict) for verdict in verdicts],
        "blockers": blockers,
        "blocks": None if blockers is None else bool(blockers),
    }
    return msgspec.json.format(msgspec.json.encode(content), indent=2).decode()


def _target(verdict: "Verdict") -> dict[str, object]:
    return {
        "framework": verdict.framework,
        "backend": verdict.backend or None,
        "unit": verdict.unit or None,
        "converted_to": verdict.dtype,
        "runs": verdict.runs,
        "blocked": verdict.blocked,
        "unknown": verdict.unknown,
        "blocking": verdict.blocking,
    }
