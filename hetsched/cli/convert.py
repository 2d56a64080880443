"""`hetsched convert`: get a model onto what a framework or a unit runs."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from hetsched.cli.options import parse_shapes, use_tables
from hetsched.errors import ModelError, OutputExistsError

if TYPE_CHECKING:
    from collections.abc import Callable

    from hetsched.convert.adapt import Adapted
    from hetsched.convert.price import Price
    from hetsched.convert.target import Target
    from hetsched.ir.graph import Graph
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
    single_output: Annotated[
        bool, typer.Option("--single-output", help="The target allows one output: pack them.")
    ] = False,
    host: Annotated[
        bool, typer.Option("--host/--no-host", help="Let the host do an unsupported head or tail.")
    ] = True,
    host_share: Annotated[
        float,
        typer.Option(min=0, max=1, help="Of the multiply-accumulates, the most for the host."),
    ] = 0.05,
    shape: Annotated[
        list[str] | None, typer.Option(help="Freeze an input's shape: NAME=1,3,480,640.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Write the converted model here.")
    ] = None,
    verify: Annotated[
        bool, typer.Option("--verify", help="Compare the whole model, before and after.")
    ] = False,
    data: Annotated[
        Path | None,
        typer.Option(help="Calibration inputs to certify on too: an .npz, or a folder of them."),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace an existing output file.")
    ] = False,
    tables: Annotated[
        list[Path] | None, typer.Option("--table", help="A capability table of your own: CSV.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Replace ops that a target doesn't run, and cut off for the host what can't be replaced.

    Files are written with -o only: OUT.onnx for the target; where the host has something to do,
    OUT.head.onnx and OUT.tail.onnx too, and OUT_host.py, which does the host's part.
    """
    use_tables(tables)
    choose = _chooser(framework, backend, profile, unit)
    _check_output(output, model, force)

    def adapting(graph: "Graph") -> "Request":
        target, price = choose(graph)
        return Request(
            target, price, single_output or target.single_output, host_share if host else None
        )

    adapted, verified, files = _convert(
        model, parse_shapes(shape or []), adapting, output, verify, force, data
    )
    _show(adapted, verified, files, as_json)
    if adapted.blocking:
        raise typer.Exit(BLOCKS)


convert.__doc__ = f"{convert.__doc__}\n\n{_EXAMPLE}"


def register(app: typer.Typer) -> None:
    """Add `convert` to the app."""
    app.command()(convert)


class Request(NamedTuple):
    """What to convert for."""

    target: "Target"
    price: "Price"
    single_output: bool
    host_share: float | None


def _chooser(
    framework: str | None, backend: str | None, profile: str | None, unit: str | None
) -> "Callable[[Graph], tuple[Target, Price]]":
    """Makes the target and its price once the model is known; names are checked before that."""
    if (framework is None) == (profile is None):
        raise typer.BadParameter("give --framework or --profile, one of them")
    if backend is not None and framework is None:
        raise typer.BadParameter(f"--backend {backend} needs --framework")
    if unit is not None and profile is None:
        raise typer.BadParameter(f"--unit {unit} needs --profile")
    from hetsched.convert.fitting import fitting_target
    from hetsched.convert.price import work
    from hetsched.convert.target import chosen_backends

    if framework is None:
        assert profile is not None
        chosen = _soc(profile, unit)
        return lambda _: chosen
    chosen_backends(framework, backend)  # it says what there is

    def choose(graph: "Graph") -> "tuple[Target, Price]":
        return fitting_target(graph, framework, backend), work

    return choose


def _soc(name: str, unit: str | None) -> "tuple[Target, Price]":
    from hetsched.convert.price import work
    from hetsched.convert.target import accelerators, profile_target
    from hetsched.place.rewrites import unit_price
    from hetsched.soc.catalog import profile as find_profile

    soc = find_profile(name)
    target = profile_target(soc, unit)
    if not all(each.rates for each in soc.units):
        return target, work
    return target, unit_price(soc, [unit] if unit else [u.name for u in accelerators(soc)])


def _check_output(output: Path | None, model: str, force: bool) -> None:
    """Before the work, not after it."""
    if output is None:
        return
    if output.exists() and Path(model).exists() and output.samefile(model):
        raise OutputExistsError(f"{output} is the model itself: give another name")
    if not output.parent.is_dir():
        raise ModelError(f"{output} can't be written: there is no folder {output.parent}")
    from hetsched.convert.hosted import check_free

    check_free(output, force=force)


def _convert(
    source: str,
    shapes: dict[str, tuple[int, ...]],
    request: "Callable[[Graph], Request]",
    output: Path | None,
    verify: bool,
    force: bool,
    data: Path | None,
) -> "tuple[Adapted, Verified | None, tuple[Path, ...]]":
    from hetsched.cli.progress import step
    from hetsched.convert.adapt import adapt
    from hetsched.convert.hosted import save_adapted
    from hetsched.ir.load import load

    with step(f"loading {source}"):
        model = load(source, shapes=shapes)
    calibration = None
    if data is not None:
        from hetsched.convert.refit_data import read_samples

        calibration = read_samples(data, model.graph)
    with step("rewriting"):
        asked = request(model.graph)
        adapted = adapt(
            model,
            asked.target,
            price=asked.price,
            single_output=asked.single_output,
            max_host_share=asked.host_share,
            data=calibration,
        )
    verified = None
    if verify:
        from hetsched.cli.convert_verify import verified as compared

        with step("verifying"):
            verified = compared(model, adapted)
    if output is None:
        return adapted, verified, ()
    return adapted, verified, save_adapted(adapted, output, force=force)


def _show(
    adapted: "Adapted", verified: "Verified | None", files: tuple[Path, ...], as_json: bool
) -> None:
    if as_json:
        from hetsched.cli.convert_json import content

        typer.echo(json.dumps(content(adapted, verified, files), indent=2))
        return
    from hetsched.cli.convert_text import lines

    for line in lines(adapted, verified, files):
        typer.echo(line)
