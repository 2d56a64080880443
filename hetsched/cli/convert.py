"""`hetsched convert`: replace what a framework or a unit doesn't run."""

import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hetsched.cli.options import parse_shapes
from hetsched.errors import ModelError, OutputExistsError, RunError

if TYPE_CHECKING:
    from collections.abc import Callable

    from hetsched.convert.rewrite import Outcome
    from hetsched.convert.target import Target
    from hetsched.ir.graph import Graph
    from hetsched.ir.model import Model
    from hetsched.runtime.verify import Verified

BLOCKS = 3
"""Exit code when something still blocks."""

_EXAMPLE = (
    "Example: hetsched convert zoo:shufflenet --framework onnxruntime --backend nnapi -o out.onnx"
)


def convert(
    model: Annotated[str, typer.Argument(help="An ONNX file, or zoo:NAME.")],
    framework: Annotated[str | None, typer.Option(help="Convert for this framework.")] = None,
    backend: Annotated[str | None, typer.Option(help="A backend of that framework.")] = None,
    profile: Annotated[
        str | None, typer.Option(help="Convert for a SoC's accelerators: a name, or a .toml file.")
    ] = None,
    unit: Annotated[str | None, typer.Option(help="Only for this unit of the SoC.")] = None,
    shape: Annotated[
        list[str] | None, typer.Option(help="Freeze an input's shape: NAME=1,3,480,640.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Write the converted model here.")
    ] = None,
    verify: Annotated[
        bool, typer.Option("--verify", help="Compare the whole model, before and after.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Replace an existing output file.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Replace ops that a framework or unit doesn't run by ops that compute the same."""
    choose = _chooser(framework, backend, profile, unit)
    _check_output(output, model, force)
    outcome, target, verified = _convert(model, parse_shapes(shape or []), choose, output, verify)
    if as_json:
        typer.echo(json.dumps(_as_json(outcome, target, verified, output), indent=2))
    else:
        from hetsched.cli.convert_text import lines

        for line in lines(outcome, target.name, verified, output):
            typer.echo(line)
    if outcome.remaining:
        raise typer.Exit(BLOCKS)


convert.__doc__ = f"{convert.__doc__}\n\n{_EXAMPLE}"


def register(app: typer.Typer) -> None:
    """Add `convert` to the app."""
    app.command()(convert)


def _chooser(
    framework: str | None, backend: str | None, profile: str | None, unit: str | None
) -> "Callable[[Graph], Target]":
    """Makes the target once the model is known; names are checked before that."""
    if (framework is None) == (profile is None):
        raise typer.BadParameter("give --framework or --profile, one of them")
    if backend is not None and framework is None:
        raise typer.BadParameter(f"--backend {backend} needs --framework")
    if unit is not None and profile is None:
        raise typer.BadParameter(f"--unit {unit} needs --profile")
    from hetsched.convert.check import check_backend
    from hetsched.convert.target import chosen_backends, framework_target, profile_target
    from hetsched.soc.catalog import profile as find_profile

    if framework is None:
        assert profile is not None
        target = profile_target(find_profile(profile), unit)
        return lambda _: target
    names = chosen_backends(framework, backend)

    def choose(graph: "Graph") -> "Target":
        dtypes = {name: check_backend(graph, framework, name).dtype for name in names}
        return framework_target(framework, backend, dtypes)

    return choose


def _check_output(output: Path | None, model: str, force: bool) -> None:
    """Before the work, not after it."""
    if output is None:
        return
    if output.exists() and Path(model).exists() and output.samefile(model):
        raise OutputExistsError(f"{output} is the model itself: give another name")
    for path in (output, output.with_name(output.name + ".data")):
        if path.exists() and not force:
            raise OutputExistsError(f"{path} exists: give another name, or --force to replace it")
    if not output.parent.is_dir():
        raise ModelError(f"{output} can't be written: there is no folder {output.parent}")


def _convert(
    source: str,
    shapes: dict[str, tuple[int, ...]],
    choose: "Callable[[Graph], Target]",
    output: Path | None,
    verify: bool,
) -> "tuple[Outcome, Target, Verified | None]":
    from hetsched.cli.progress import step
    from hetsched.convert.rewrite import convert as rewrite
    from hetsched.ir.extract import save_whole
    from hetsched.ir.load import load

    with step(f"loading {source}"):
        model = load(source, shapes=shapes)
    with step("rewriting"):
        target = choose(model.graph)
        outcome = rewrite(model, target)
    verified = None
    if verify:
        with step("verifying"):
            verified = _verified(model, outcome.model)
    if output is not None:
        save_whole(outcome.model, output)
    return outcome, target, verified


def _verified(model: "Model", converted: "Model") -> "Verified":
    """Compare the original file with the converted model on made-up inputs, op by op.

    Optimised, ONNX Runtime's own roundings would hide those of the rewrites.

    Raises:
        RunError: when they differ by more than their arithmetic allows.
    """
    from hetsched.backends.reference import reference_outputs
    from hetsched.ir.extract import save_whole
    from hetsched.ir.sample import samples
    from hetsched.runtime.verify import verify

    inputs = samples(model.graph)
    with tempfile.TemporaryDirectory(prefix="hetsched-") as folder:
        path = Path(folder) / "converted.onnx"
        save_whole(converted, path)
        actual = reference_outputs(path, inputs, optimize=False)
    expected = reference_outputs(model.path, inputs, optimize=False)
    found = verify(model.graph, expected, actual)
    if not found.passed:
        raise RunError(
            f"nothing was written: output {found.output!r} of the converted model differs by "
            f"{found.max_rel_error} relative to its range, bound {found.bound:g}"
        )
    return found


def _as_json(
    outcome: "Outcome", target: "Target", verified: "Verified | None", output: Path | None
) -> dict[str, Any]:
    import msgspec

    return {
        "schema": 1,
        "model": {"name": outcome.model.name, "sha256": outcome.model.sha256},
        "target": target.name,
        "ops": len(outcome.model.graph.ops),
        "blocked": outcome.blocked,
        "rewrites": [
            {
                "op": one.op,
                "op_type": one.op_type,
                "rules": one.rules,
                "scenario": one.scenario,
                "made": one.made,
                "exactness": one.exactness,
                "max_abs_error": one.certificate.max_abs_error,
                "max_rel_error": one.certificate.max_rel_error,
                "bound": one.certificate.bound,
            }
            for one in outcome.rewrites
        ],
        "remaining": [
            {
                "op": one.op,
                "op_type": one.op_type,
                "reason": one.reason,
                "tried": [{"rule": rule, "why": why} for rule, why in one.tried],
            }
            for one in outcome.remaining
        ],
        "verified": None if verified is None else msgspec.to_builtins(verified),
        "output": None if output is None else str(output),
    }
