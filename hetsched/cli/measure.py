"""`hetsched measure`: what models' ops cost on this machine, into the cost store."""

from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Annotated

import typer

from hetsched.cli.options import parse_shapes, thread_counts
from hetsched.errors import CostError, HetschedError, OutputExistsError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hetsched.cost.measure_session import Row
    from hetsched.cost.measured_links import Surroundings
    from hetsched.ir.model import Model

_EXAMPLE = "Example: hetsched measure zoo:ppocr-det zoo:ppocr-cls --threads 1,2 --budget 60s"


def measure(
    models: Annotated[
        list[str], typer.Argument(metavar="MODEL...", help="ONNX files, or zoo:NAME.")
    ],
    units: Annotated[
        str | None, typer.Option(help="Only these units: cpu0,cpu2. Equal ones count as one.")
    ] = None,
    threads: Annotated[str, typer.Option(help="Threads of each run: 1,2 tries both.")] = "1",
    budget: Annotated[
        str | None, typer.Option(help="Wall time for measuring all: 60s. Else 10s for each.")
    ] = None,
    shape: Annotated[
        list[str] | None, typer.Option(help="Freeze an input's shape: NAME=1,3,480,640.")
    ] = None,
    links: Annotated[
        bool, typer.Option(help="Measure copies between units, and power where it's told.")
    ] = True,
    store: Annotated[
        Path | None, typer.Option(help="Cost store; default in the user's cache.")
    ] = None,
    profile_out: Annotated[
        Path | None, typer.Option(help="Write this machine as a profile: a .toml file.")
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace an existing profile file.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Measure models' ops on this machine's units, and keep the costs for every model.

    What ONNX Runtime fuses is measured as one; what the store knows from another model isn't
    measured again. Stops once the median is certain to 1%, or when the budget is spent. Ctrl-C
    keeps what was measured.
    """
    from hetsched.cost.store import CostStore

    started = monotonic()
    counts = thread_counts(threads)
    budget_s = None if budget is None else _seconds(budget)
    _check_output(profile_out, force)
    loaded = _load(models, parse_shapes(shape or []))
    kept = CostStore(store)
    rows: list[Row] = []
    try:
        left_s = None if budget_s is None else max(0.0, budget_s - (monotonic() - started))
        _measure(loaded, counts, _names(units), left_s, kept.path, rows)
        around = _surroundings(kept.path, counts[0]) if links else None
        if profile_out is not None:
            _write_profile(profile_out, loaded, kept.path, counts[0], around, force=force)
    except KeyboardInterrupt:
        _show(rows, None, kept.path, None, as_json, interrupted=True)
        raise
    _show(rows, around, kept.path, profile_out, as_json, interrupted=False)


measure.__doc__ = f"{measure.__doc__}\n\n    {_EXAMPLE}"


def register(app: typer.Typer) -> None:
    """Add `measure` to the app."""
    app.command()(measure)


def _names(text: str | None) -> list[str]:
    return [] if text is None else [part.strip() for part in text.split(",") if part.strip()]


def _seconds(text: str) -> float:
    from hetsched.quantity import parse_duration_ns

    try:
        return parse_duration_ns(text) / 1e9
    except HetschedError as error:
        raise HetschedError(f"--budget: {error}") from None


def _check_output(path: Path | None, force: bool) -> None:
    """Before the work, not after it."""
    if path is None:
        return
    if path.suffix != ".toml":
        raise CostError(f"--profile-out {path}: the name must end in .toml")
    if path.exists() and not force:
        raise OutputExistsError(f"{path} exists: give another name, or --force to replace it")
    if not path.parent.is_dir():
        raise CostError(f"{path} can't be written: there is no folder {path.parent}")


def _load(models: list[str], shapes: dict[str, tuple[int, ...]]) -> "list[Model]":
    from hetsched.cli.progress import step
    from hetsched.ir.load import load

    found = []
    for model in models:
        with step(f"loading {model}"):
            found.append(load(model, shapes=shapes))
        if not found[-1].graph.ops:
            raise CostError(f"{model} has no ops: there is nothing to measure")
    return found


def _measure(
    models: "Sequence[Model]",
    threads: list[int],
    units: list[str],
    budget_s: float | None,
    store: Path,
    rows: "list[Row]",
) -> None:
    from hetsched.cli.progress import bar
    from hetsched.cost.measure_session import Wanted
    from hetsched.cost.measure_session import measure as run
    from hetsched.cost.store import CostStore

    wanted = Wanted(
        models=models, threads=threads, units=units, budget_s=budget_s, store=CostStore(store)
    )
    with bar(len(models) * len(threads)) as show:
        rows.extend(run(wanted, show))


def _surroundings(store: Path, threads: int) -> "Surroundings":
    from hetsched.cli.progress import step
    from hetsched.cost.measured_links import surroundings
    from hetsched.cost.store import CostStore

    with step("measuring links and power"):
        return surroundings(CostStore(store), threads)


def _write_profile(
    path: Path,
    models: "Sequence[Model]",
    store: Path,
    threads: int,
    around: "Surroundings | None",
    *,
    force: bool,
) -> None:
    from hetsched.cost.host_file import host_text, measured_profile
    from hetsched.cost.store import CostStore
    from hetsched.plan.files import write_output

    profile = measured_profile(models, CostStore(store), threads, around, name=path.stem)
    write_output(path, host_text(profile), force=force)


def _show(
    rows: "Sequence[Row]",
    around: "Surroundings | None",
    store: Path,
    profile: Path | None,
    as_json: bool,
    *,
    interrupted: bool,
) -> None:
    from hetsched.cli import measure_text

    if as_json:
        typer.echo(measure_text.as_json(rows, around, store, profile, interrupted=interrupted))
        return
    measure_text.print_rows(rows)
    if around is not None:
        measure_text.print_surroundings(around)
    if profile is not None:
        typer.echo(f"profile written to {profile}")
    typer.echo(f"{'interrupted: what was measured is' if interrupted else 'kept'} in {store}")
