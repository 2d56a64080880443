"""`hetsched refit`: replace what has no exact form by something near, fitted to data."""

import json
from dataclasses import replace as replaced
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hetsched.cli.options import parse_shapes
from hetsched.errors import ModelError, OutputExistsError

if TYPE_CHECKING:
    from hetsched.convert.refit import Accuracy, Outcome, Refit
    from hetsched.convert.refit_forms import Replacement
    from hetsched.convert.target import Target
    from hetsched.ir.model import Model

BLOCKS = 3
"""Exit code when the framework still doesn't run something."""

_EXAMPLE = (
    "Example: hetsched refit det.onnx --replace HardSwish=Relu --replace Conv5x5=Conv3x3 "
    "--data calib.npz -o det.refit.onnx"
)


def refit(
    model: Annotated[str, typer.Argument(help="An ONNX file, or zoo:NAME.")],
    data: Annotated[
        Path,
        typer.Option(
            help="Calibration samples: an .npz by input names (and labels), or a folder of them."
        ),
    ],
    output: Annotated[Path, typer.Option("-o", "--output", help="Write the refitted model here.")],
    replace: Annotated[
        list[str] | None,
        typer.Option(help="OP=OP: HardSwish=Relu, Gelu=Sigmoid, Conv5x5=Conv3x3, ..."),
    ] = None,
    framework: Annotated[
        str | None, typer.Option(help="Replace what this framework lacks and no exact rule makes.")
    ] = None,
    backend: Annotated[str | None, typer.Option(help="A backend of that framework.")] = None,
    shape: Annotated[
        list[str] | None, typer.Option(help="Freeze an input's shape: NAME=1,3,480,640.")
    ] = None,
    verify: Annotated[
        bool, typer.Option("--verify", help="Refuse unless it is within --bound of the original.")
    ] = False,
    bound: Annotated[
        float, typer.Option(help="Of the outputs' root mean square error, relative.")
    ] = 0.1,
    force: Annotated[bool, typer.Option("--force", help="Replace existing files.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Replace ops by others that are near, and fit these to calibration data, layer by layer."""
    if (framework is None) == (not replace):
        raise typer.BadParameter("give --replace or --framework, one of them")
    if backend is not None and framework is None:
        raise typer.BadParameter(f"--backend {backend} needs --framework")
    report_path = output.with_suffix(".refit.json")
    _check_output(output, report_path, model, force)
    shapes = parse_shapes(shape or [])
    outcome, left = _refit(model, shapes, replace or [], framework, backend, data)
    if verify:
        _verify(outcome.report, bound)
    _write(outcome, output, report_path)
    if as_json:
        import msgspec

        found = msgspec.to_builtins(outcome.report)
        typer.echo(json.dumps({**found, "remaining": left, "output": str(output)}, indent=2))
    else:
        for line in (*_lines(outcome.report, output, report_path), *_remaining(left)):
            typer.echo(line)
    if left:
        raise typer.Exit(BLOCKS)


refit.__doc__ = f"{refit.__doc__}\n\n{_EXAMPLE}"


def register(app: typer.Typer) -> None:
    """Add `refit` to the app."""
    app.command()(refit)


def _check_output(output: Path, report: Path, model: str, force: bool) -> None:
    """Before the work, not after it."""
    if output.exists() and Path(model).exists() and output.samefile(model):
        raise OutputExistsError(f"{output} is the model itself: give another name")
    for path in (output, output.with_name(output.name + ".data"), report):
        if path.exists() and not force:
            raise OutputExistsError(f"{path} exists: give another name, or --force to replace it")
    if not output.parent.is_dir():
        raise ModelError(f"{output} can't be written: there is no folder {output.parent}")


def _refit(
    source: str,
    shapes: dict[str, tuple[int, ...]],
    wanted: list[str],
    framework: str | None,
    backend: str | None,
    data: Path,
) -> "tuple[Outcome, dict[str, str]]":
    """The refitted model, and what the framework still doesn't run of it, by op name."""
    from hetsched.cli.progress import step
    from hetsched.convert.refit import refit as run
    from hetsched.convert.refit_data import read_samples
    from hetsched.convert.refit_forms import parse
    from hetsched.convert.rewrite import convert
    from hetsched.ir.load import load

    replacements = [parse(text) for text in wanted]
    with step(f"loading {source}"):
        loaded = load(source, shapes=shapes)
    samples = read_samples(data, loaded.graph)
    target = None
    if framework is not None:
        with step(f"converting for {framework}"):
            loaded, replacements, target = _for_framework(loaded, framework, backend)
    with step("fitting"):
        outcome = run(loaded, replacements, samples)
    if target is None:
        return outcome, {}
    # what was put in may need spelling out for the framework: exact, so the report stays true
    model = convert(outcome.model, target).model
    return replaced(outcome, model=model), dict(target.blocked(model.graph))


def _for_framework(
    model: "Model", framework: str, backend: str | None
) -> "tuple[Model, list[Replacement], Target]":
    """What exact rules leave blocked, and what it may become."""
    from hetsched.convert.check import check_backend
    from hetsched.convert.refit_choice import choose
    from hetsched.convert.rewrite import convert
    from hetsched.convert.target import chosen_backends, framework_target

    names = chosen_backends(framework, backend)
    dtypes = {name: check_backend(model.graph, framework, name).dtype for name in names}
    target = framework_target(framework, backend, dtypes)
    outcome = convert(model, target)
    return outcome.model, choose(outcome.model, target), target


def _verify(report: "Refit", bound: float) -> None:
    if report.fitted.error > bound:
        raise ModelError(
            f"nothing was written: the refitted outputs differ by {report.fitted.error:.3g} of "
            f"their size on {report.judged_runs} runs held out, bound {bound:g}"
        )


def _write(outcome: "Outcome", output: Path, report: Path) -> None:
    import msgspec

    from hetsched.ir.extract import save_whole
    from hetsched.plan.files import write_output

    save_whole(outcome.model, output)
    text = msgspec.json.format(msgspec.json.encode(outcome.report), indent=2).decode()
    write_output(report, text + "\n", force=True)


def _lines(report: "Refit", output: Path, stored: Path) -> list[str]:
    count = len(report.layers)
    found = [
        f"{report.model}: {count} {'layer' if count == 1 else 'layers'} replaced, fitted to "
        f"{report.fitted_runs} runs, judged on {report.judged_runs} others"
    ]
    for layer in report.layers:
        found.append(f"  {layer.op}: {layer.op_type} became {', '.join(layer.made)}")
        found.append(
            f"    error {layer.unfitted_error:.3g} before fitting, {layer.fitted_error:.3g} after"
        )
    found += [
        f"{'':18} {'output error':>12} {'same answer':>12} {'accuracy':>9}",
        _row("original", report.original),
        _row("before fitting", report.unfitted),
        _row("after fitting", report.fitted),
        f"written to {output}, with {stored.name}",
    ]
    return found


def _row(name: str, found: "Accuracy") -> str:
    agreement = "-" if found.agreement is None else f"{found.agreement:.4f}"
    accuracy = "-" if found.accuracy is None else f"{found.accuracy:.4f}"
    return f"{name:18} {found.error:12.3g} {agreement:>12} {accuracy:>9}"


def _remaining(left: dict[str, str]) -> list[str]:
    if not left:
        return []
    shown = [f"  {name}: {why}" for name, why in list(left.items())[:5]]
    more = [f"  ...  ({len(left) - 5} more)"] if len(left) > 5 else []
    return [f"{len(left)} ops still block:", *shown, *more]
