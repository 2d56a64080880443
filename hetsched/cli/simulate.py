"""`hetsched simulate`: a workload on a SoC in virtual time."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hetsched.errors import OutputExistsError

if TYPE_CHECKING:
    from hetsched.sim.outcome import Outcome
    from hetsched.soc.profile import Profile

_EXAMPLE = "Example: hetsched simulate examples/workloads/ocr.toml --profile helio-g90"

SNAPSHOTS = 100
"""Of the time series in --json."""


def simulate(
    workload: Annotated[Path, typer.Argument(help="A workload file, see docs/workloads.md.")],
    profile: Annotated[
        str, typer.Option(help="A SoC: a name of `hetsched profiles`, or a .toml file.")
    ],
    mode: Annotated[
        str | None, typer.Option(help="A power mode of the board: MaxQ, or MaxQ:cpu=1.5.")
    ] = None,
    thermal: Annotated[
        Path | None, typer.Option(help="A .toml file with another heat network: case, cooler.")
    ] = None,
    rest: Annotated[
        float | None, typer.Option(help="Degrees C of the board when nothing runs: a warm room.")
    ] = None,
    policy: Annotated[str | None, typer.Option(help="Who is next; default the workload's.")] = None,
    objective: Annotated[
        str | None,
        typer.Option(help="Of plans: latency, throughput, energy, joint; or band, whole."),
    ] = None,
    duration: Annotated[
        str | None, typer.Option(help="For how long requests come: 60s; default the workload's.")
    ] = None,
    seed: Annotated[
        int | None, typer.Option(min=0, help="Same seed, same figures; default the workload's.")
    ] = None,
    scale: Annotated[float, typer.Option(help="Times all rates.")] = 1.0,
    find_max_load: Annotated[
        bool,
        typer.Option("--find-max-load", help="The largest multiplier with at most 1% missed."),
    ] = False,
    trace: Annotated[Path | None, typer.Option(help="Write the events here.")] = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Write the JSON object here.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace existing output files.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Simulate a workload on a SoC that needn't be at hand."""
    from hetsched.cli.progress import bar
    from hetsched.sim.outcome import simulate as simulate_workload
    from hetsched.workload.files import load_workload

    if not 0 < scale < 1e6:
        raise typer.BadParameter(f"{scale:g} must be above 0", param_hint="--scale")
    for path in (trace, output):
        _check_output(path, force)
    asked = load_workload(workload)
    soc = _soc(profile, mode, thermal, rest)
    with bar(len(asked.apps) + 1 + find_max_load) as told:
        outcome = simulate_workload(
            asked,
            soc,
            policy=policy,
            duration=duration,
            seed=seed,
            objective=objective,
            scale=scale,
            find_max=find_max_load,
            trace=trace is not None,
            snapshots=SNAPSHOTS if as_json or output is not None else 0,
            told=told,
        )
    _write(outcome, trace, output, force)
    _show(outcome, trace, output, as_json)


simulate.__doc__ = f"{simulate.__doc__}\n\n{_EXAMPLE}"


def register(app: typer.Typer) -> None:
    """Add `simulate` to the app."""
    app.command()(simulate)


def _soc(name: str, mode: str | None, thermal: Path | None, rest: float | None) -> "Profile":
    from hetsched.sim.from_heat import at_rest, load_thermal, with_thermal
    from hetsched.soc.catalog import profile

    soc = profile(name, mode)
    if thermal is not None:
        soc = with_thermal(soc, load_thermal(thermal))
    return soc if rest is None else at_rest(soc, rest)


def _check_output(path: Path | None, force: bool) -> None:
    """Before the work, not after it."""
    if path is None:
        return
    if path.exists() and not force:
        raise OutputExistsError(f"{path} exists: give another name, or --force to replace it")
    if not path.parent.is_dir():
        raise OutputExistsError(f"{path} can't be written: there is no folder {path.parent}")


def _write(outcome: "Outcome", trace: Path | None, output: Path | None, force: bool) -> None:
    import msgspec

    if trace is not None and outcome.result.trace is not None:
        from hetsched.trace.files import save_trace

        save_trace(outcome.result.trace, trace, force=force)
    if output is not None:
        from hetsched.plan.files import write_output

        text = msgspec.json.format(msgspec.json.encode(outcome.to_dict()), indent=1).decode()
        write_output(output, text + "\n", force=force)


def _show(outcome: "Outcome", trace: Path | None, output: Path | None, as_json: bool) -> None:
    if as_json:
        import msgspec

        typer.echo(msgspec.json.encode(outcome.to_dict()).decode())
        return
    from rich.console import Console

    from hetsched.cli.simulate_text import print_outcome

    console = Console(highlight=False, markup=False)
    print_outcome(outcome, console)
    for path in (trace, output):
        if path is not None:
            console.print(f"written to {path}")
