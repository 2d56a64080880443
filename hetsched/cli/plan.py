"""`hetsched plan`: place a model on a SoC's units."""

import logging
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hetsched.cli.options import assignments, parse_shapes, thread_counts
from hetsched.errors import CostError, HetschedError, InfeasibleError, OutputExistsError, PlanError
from hetsched.quantity import parse_duration_ns

if TYPE_CHECKING:
    from hetsched.cost.store import CostStore
    from hetsched.ir.model import Model
    from hetsched.plan.build import Outcome, Request
    from hetsched.plan.model import Plan

HOST = "host"
_LOG = logging.getLogger("hetsched.cli.plan")
_EXAMPLE = "Example: hetsched plan zoo:ppocr-det --profile helio-g90 -o det.plan.json"


def plan(
    model: Annotated[str, typer.Argument(help="An ONNX file, or zoo:NAME.")],
    profile: Annotated[
        str, typer.Option(help="A SoC: a name of `hetsched profiles`, a .toml file, or host.")
    ],
    mode: Annotated[
        str | None, typer.Option(help="A power mode of the board: MaxQ, or MaxQ:cpu=1.5.")
    ] = None,
    objective: Annotated[str, typer.Option(help="latency, throughput or energy.")] = "latency",
    shape: Annotated[
        list[str] | None, typer.Option(help="Freeze an input's shape: NAME=1,3,480,640.")
    ] = None,
    pin: Annotated[
        list[str] | None, typer.Option(help="OP=UNIT: only that unit may run the op.")
    ] = None,
    max_subgraphs: Annotated[
        list[str] | None, typer.Option(help="UNIT=N: at most N subgraphs there.")
    ] = None,
    max_stage: Annotated[str | None, typer.Option(help="Cut longer subgraphs: 5ms.")] = None,
    gap: Annotated[float, typer.Option(help="Stop when proven this close to the optimum.")] = 0.01,
    time_limit: Annotated[
        str, typer.Option(help="For the search; the best so far is kept.")
    ] = "10s",
    seed: Annotated[int, typer.Option(help="Same seed and options, same plan.")] = 0,
    framework: Annotated[
        str | None, typer.Option(help="Only what this framework can deploy.")
    ] = None,
    backend: Annotated[str | None, typer.Option(help="A backend of that framework.")] = None,
    rewrite: Annotated[
        bool, typer.Option("--rewrite", help="Replace ops that keep accelerators out, if it pays.")
    ] = False,
    store: Annotated[
        Path | None, typer.Option(help="Cost store; default in the user's cache.")
    ] = None,
    threads: Annotated[
        str, typer.Option(help="Host only: cores per unit; 1,2 tries both and takes the better.")
    ] = "1",
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Write the plan here.")
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace an existing output file.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Place a model's ops on a SoC's units, with a proven bound."""
    request = _request(
        objective, gap, time_limit, seed, framework, backend, pin, max_subgraphs, max_stage
    )
    request = replace(request, rewrite=rewrite)
    counts = thread_counts(threads)
    if profile != HOST and counts != [1]:
        raise typer.BadParameter("only --profile host has a choice", param_hint="--threads")
    _check_output(output, model, force)
    try:
        soc = _named(profile, mode)
        outcome = _solve(model, soc, request, parse_shapes(shape or []), store, counts)
    except InfeasibleError as error:
        if as_json:
            _show_infeasible(error)
        raise
    written = outcome.plan.save(output, force=force) if output else outcome.plan
    _show(outcome, written, output, as_json)


plan.__doc__ = f"{plan.__doc__}\n\n{_EXAMPLE}"


def register(app: typer.Typer) -> None:
    """Add `plan` to the app."""
    app.command()(plan)


def _named(profile: str, mode: str | None) -> str:
    """A profile in a power mode, as `hetsched.profile` takes it."""
    return profile if mode is None else f"{profile}@{mode}"


def _request(
    objective: str,
    gap: float,
    time_limit: str,
    seed: int,
    framework: str | None,
    backend: str | None,
    pins: list[str] | None,
    caps: list[str] | None,
    max_stage: str | None,
) -> "Request":
    from hetsched.plan.build import Request

    return Request(
        objective=objective,
        gap=gap,
        time_limit_s=_duration_ns(time_limit, "--time-limit") / 1e9,
        seed=seed,
        framework=framework,
        backend=backend,
        pins=assignments(pins or [], "--pin", "OP=UNIT", str),
        max_subgraphs=assignments(caps or [], "--max-subgraphs", "UNIT=N", int),
        max_stage_ns=_duration_ns(max_stage, "--max-stage") if max_stage else None,
    )


def _check_output(output: Path | None, model: str, force: bool) -> None:
    """Before the work, not after it."""
    if output is None:
        return
    if output.exists() and Path(model).exists() and output.samefile(model):
        raise OutputExistsError(f"{output} is the model itself: give the plan another name")
    if output.exists() and not force:
        raise OutputExistsError(f"{output} exists: give another name, or --force to replace it")
    if not output.parent.is_dir():
        raise PlanError(f"{output} can't be written: there is no folder {output.parent}")


def _duration_ns(text: str, option: str) -> int:
    try:
        return parse_duration_ns(text)
    except HetschedError as error:
        raise HetschedError(f"{option}: {error}") from None


def _solve(
    model: str,
    profile: str,
    request: "Request",
    shapes: dict[str, tuple[int, ...]],
    store: Path | None,
    threads: list[int],
) -> "Outcome":
    from hetsched.cli.progress import step
    from hetsched.plan.build import make
    from hetsched.soc.catalog import profile as find_profile

    soc = None if profile == HOST else find_profile(profile)
    with step(f"loading {model}"):
        loaded = _load(model, shapes)
    if soc is not None:
        with step("placing"):
            return make(loaded, soc, request, store=_stored(store))
    from hetsched.cli.plan_host import plan_here

    return plan_here(loaded, request, store, threads)


def _stored(path: Path | None) -> "CostStore | None":
    """The store with imported measurements: the one asked for, else the user's if there is one.

    A user's store that can't be read is announced, and doesn't keep a SoC's plan from being made.
    """
    from hetsched.cost.store import CostStore, default_path

    if path is None and not default_path().exists():
        return None
    if path is None:
        try:
            kept = CostStore()
            kept.units()
        except CostError as error:
            _LOG.warning("planning with estimates alone: %s", error)
            return None
        return kept
    if not path.exists():
        raise HetschedError(
            f"--store {path} doesn't exist: `hetsched costs import` or `hetsched measure` makes it"
        )
    return CostStore(path)


def _load(model: str, shapes: dict[str, tuple[int, ...]]) -> "Model":
    from hetsched.ir.load import load

    return load(model, shapes=shapes)


def _show_infeasible(error: InfeasibleError) -> None:
    import msgspec

    from hetsched.plan.model import SCHEMA

    body = {"schema": SCHEMA, "status": "infeasible", "reason": str(error)}
    typer.echo(msgspec.json.encode(body).decode())


def _show(outcome: "Outcome", written: "Plan", output: Path | None, as_json: bool) -> None:
    import msgspec

    if as_json:
        body = msgspec.to_builtins(written) | {"solve_s": outcome.placement.solve_s}
        typer.echo(msgspec.json.encode(body).decode())
        return
    from rich.console import Console

    from hetsched.report.plan_text import print_plan

    console = Console(highlight=False)
    print_plan(written, console, solve_s=outcome.placement.solve_s)
    for note in outcome.notes:
        console.print(f"note: {note}", style="yellow", markup=False)
    if output is not None:
        console.print(f"written to {output}", markup=False)
