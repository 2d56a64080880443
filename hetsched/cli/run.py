"""`hetsched run`: run a plan on this machine."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hetsched.cli.options import assignments

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from hetsched.runtime.trial import Trial
    from hetsched.runtime.verify import Verified

HOST = "host"
EMULATED = "emulated"
_EXAMPLE = "Example: hetsched run det.plan.json --verify"


def run(
    plan: Annotated[Path, typer.Argument(help="A file that `hetsched plan -o` wrote.")],
    model: Annotated[
        str | None, typer.Option(help="Where the plan's model is now: a file, or zoo:NAME.")
    ] = None,
    given: Annotated[
        list[str] | None,
        typer.Option("--input", help="NAME=FILE.npy; other inputs get random data."),
    ] = None,
    on: Annotated[
        str, typer.Option(help="host: this machine's units; emulated: at a SoC's pace.")
    ] = HOST,
    profile: Annotated[
        str | None, typer.Option(help="The SoC whose pace is emulated; default the plan's.")
    ] = None,
    mapped: Annotated[
        list[str] | None,
        typer.Option(
            "--map", help="UNIT=BACKEND: ort (the default), openvino, ...: see `hetsched units`."
        ),
    ] = None,
    verify: Annotated[
        bool, typer.Option("--verify", help="Compare with the unsplit model; exit 1 if it differs.")
    ] = False,
    repeat: Annotated[int, typer.Option(min=1, help="Runs; times are medians.")] = 1,
    seed: Annotated[int, typer.Option(min=0, help="Of random inputs.")] = 0,
    trace: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Record events; see `hetsched report`.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a trace that is there.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Run a plan on this machine, each of its units on one of this machine's."""
    if on not in (HOST, EMULATED):
        raise typer.BadParameter(
            f"{on!r} isn't known: take {HOST} or {EMULATED}", param_hint="--on"
        )
    if on == EMULATED and mapped:
        raise typer.BadParameter("an emulated SoC's units have no backends", param_hint="--map")
    if on == HOST and profile is not None:
        raise typer.BadParameter(f"goes with --on {EMULATED} only", param_hint="--profile")
    files = assignments(given or [], "--input", "NAME=FILE.npy", Path)
    backends = assignments(mapped or [], "--map", "UNIT=BACKEND", str)
    soc = None if on == HOST else profile or ""
    if trace is not None:
        from hetsched.trace.files import refuse_existing

        refuse_existing(trace, force=force)
    trial = _run(
        plan, model, files, backends, verify=verify, repeat=repeat, seed=seed, soc=soc, trace=trace
    )
    _show(trial, seed, as_json)
    _refuse_other_numbers(trial)


run.__doc__ = f"{run.__doc__}\n\n{_EXAMPLE}"


def register(app: typer.Typer) -> None:
    """Add `run` to the app."""
    app.command()(run)


def _run(
    path: Path,
    model: str | None,
    files: Mapping[str, Path],
    backends: Mapping[str, str],
    *,
    verify: bool,
    repeat: int,
    seed: int,
    soc: str | None,
    trace: Path | None,
) -> "Trial":
    """With a SoC its pace is emulated; an empty name means the plan's."""
    from hetsched.cli.progress import step
    from hetsched.plan.files import load_model_for, load_plan
    from hetsched.runtime.inputs import check_inputs
    from hetsched.runtime.trial import check_mapping, fill_inputs, read_arrays, run_plan
    from hetsched.soc.catalog import profile as find_profile

    plan = load_plan(path)
    emulated = None if soc is None else find_profile(soc or plan.profile.name)
    check_mapping(plan, backends)  # a wrong option is told before the model is loaded
    arrays = read_arrays(files)
    with step(f"loading {model or plan.model.ref}"):
        loaded = load_model_for(plan, path, model)
    check_inputs(loaded.graph, fill_inputs(loaded.graph, arrays, seed)[0])
    with step("running"):
        return asyncio.run(
            run_plan(
                plan,
                loaded,
                given=arrays,
                backends=backends,
                runs=repeat,
                seed=seed,
                trace=trace,
                check=verify,
                soc=emulated,
            )
        )


def _show(trial: "Trial", seed: int, as_json: bool) -> None:
    if as_json:
        import msgspec

        typer.echo(msgspec.json.encode(trial).decode())
        return
    from rich.console import Console

    console = Console(highlight=False, markup=False, soft_wrap=False)
    _print_mapping(trial, seed, console)
    console.print(_stages(trial))
    _print_totals(trial, console)
    console.print(_outputs(trial))
    _print_verdict(trial, console)


def _print_mapping(trial: "Trial", seed: int, console: "Console") -> None:
    from hetsched.backends.registry import BACKENDS

    how = "run on this machine"
    if trial.paced_to is not None:
        how = f"emulated on this machine at {trial.paced_to}'s pace"
    console.print(f"{trial.model}, planned for {trial.profile}, {how}")
    for unit, mapped in trial.mapping.items():
        about = BACKENDS.get(mapped.backend.split(" ")[0])
        what = f"{mapped.backend}: {about.about}" if about else mapped.backend
        console.print(f"  {unit} -> {mapped.on} ({what})")
    if trial.made_up:
        console.print(f"  random data (seed {seed}) for input {', '.join(trial.made_up)}")


def _table(*columns: tuple[str, bool]) -> "Table":
    """Columns of (heading, whether they hold numbers)."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading, is_number in columns:
        table.add_column(
            heading, justify="right" if is_number else "left", no_wrap=True, overflow="ellipsis"
        )
    return table


def _stages(trial: "Trial") -> "Table":
    from hetsched.quantity import format_ns

    table = _table(
        ("id", False),
        ("unit", False),
        ("ops", True),
        ("backend", False),
        ("on", False),
        ("start", True),
        ("took here", True),
        ("predicted there", True),
    )
    for stage in trial.stages:
        table.add_row(
            stage.id,
            stage.unit,
            str(stage.ops),
            stage.backend,
            stage.on,
            format_ns(stage.start_ns),
            format_ns(stage.latency_ns),
            format_ns(stage.predicted_ns),
        )
    return table


def _print_totals(trial: "Trial", console: "Console") -> None:
    from hetsched.quantity import format_ns

    how = "one run, the first" if trial.runs == 1 else f"median of {trial.runs} runs"
    console.print(f"latency here   {format_ns(trial.latency_ns)} ({how})")
    if trial.paced_to is not None:
        console.print("               emulated: paced to the plan's predictions, nothing measured")
        if trial.too_slow:
            some = ", ".join(trial.too_slow[:6]) + (", ..." if len(trial.too_slow) > 6 else "")
            slow = f"{len(trial.too_slow)} of {len(trial.stages)} stages ({some})"
            console.print(f"too slow       this host can't keep pace in {slow}", style="yellow")
    elif any(mapped.emulated for mapped in trial.mapping.values()):
        console.print("               times of an emulated unit say nothing of its hardware")
    console.print(f"predicted      {format_ns(trial.predicted_ns)} on {trial.profile}")


def _outputs(trial: "Trial") -> "Table":
    table = _table(("output", False), ("dtype", False), ("shape", False), ("sha256", False))
    for output in trial.outputs:
        shape = "" if output.shape is None else "x".join(map(str, output.shape)) or "scalar"
        table.add_row(output.name, output.dtype or "sequence", shape, output.sha256[:16] + "...")
    return table


def _print_verdict(trial: "Trial", console: "Console") -> None:
    verified = trial.verified
    if verified is None:
        return
    if verified.passed:
        console.print(f"verified: {_errors(verified)}")
    console.print(f"  against the unsplit model: {verified.dtype} arithmetic, this machine")
    if trial.profile != HOST:
        console.print(f"  {trial.profile}'s own arithmetic isn't checked")


def _errors(verified: "Verified") -> str:
    if verified.max_rel_error is None:
        return f"output {verified.output!r} differs in shape, text, NaN or infinity"
    return (
        f"max relative error {verified.max_rel_error:.3g}, bound {verified.bound:.3g}, "
        f"max absolute error {verified.max_abs_error:.3g}"
    )


def _refuse_other_numbers(trial: "Trial") -> None:
    if trial.verified is None or trial.verified.passed:
        return
    from hetsched.errors import RunError

    raise RunError(f"these aren't the unsplit model's numbers: {_errors(trial.verified)}")
