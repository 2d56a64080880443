"""`hetsched sweep`: many simulations, one table and one picture."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from hetsched.errors import HetschedError, OutputExistsError

if TYPE_CHECKING:
    from hetsched.sim.sweep import Left
    from hetsched.sim.sweep_points import Point, Row
    from hetsched.sim.sweep_store import SweepStore
    from hetsched.soc.profile import Profile
    from hetsched.workload.model import Workload

T = TypeVar("T")
_EXAMPLE = (
    "Example: hetsched sweep examples/workloads/ocr.toml --profiles helio-g90,kirin-990 "
    "--policies edf,fifo --scale 0.5,1,2 -o ocr"
)


def sweep(
    workload: Annotated[Path, typer.Argument(help="A workload file, see docs/workloads.md.")],
    profiles: Annotated[str, typer.Option(help="SoCs, as a,b; all: those that come along.")],
    policies: Annotated[
        str | None, typer.Option(help="As edf,fifo; all; default the workload's.")
    ] = None,
    scale: Annotated[str, typer.Option(help="Multipliers of the load, as 0.5,1,2.")] = "1",
    seeds: Annotated[
        str | None, typer.Option(help="As 0..4 or 0,7; default the workload's.")
    ] = None,
    objectives: Annotated[
        str | None,
        typer.Option(help="Of plans: latency, throughput, energy, joint, band, whole."),
    ] = None,
    duration: Annotated[str | None, typer.Option(help="Of each simulation: 60s.")] = None,
    cluster: Annotated[
        str | None, typer.Option(help="A Dask scheduler, tcp://host:port; default local cores.")
    ] = None,
    jobs: Annotated[int | None, typer.Option(min=1, help="Local processes.")] = None,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="OUT.sqlite, OUT.csv and OUT.svg; default the name."),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace OUT.csv and OUT.svg of something else.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Simulate a workload on several SoCs, under several policies and loads.

    What is done is kept in OUT.sqlite: the same sweep, or a larger one, goes on from there.
    """
    from hetsched.sim.sweep import rows, what_is_left
    from hetsched.sim.sweep_points import points
    from hetsched.sim.sweep_store import SweepStore
    from hetsched.workload.files import load_workload

    asked = load_workload(workload)
    socs = _profiles(profiles)
    wanted = points(
        [soc.name for soc in socs],
        _plans(objectives, asked),
        _policies(policies, asked),
        _numbers(scale, "--scale", _scale),
        [asked.seed] if seeds is None else _seeds(seeds),
    )
    base = output or Path(asked.name)
    store_path = base.with_name(f"{base.name}.sqlite")
    _check_outputs(base, store_path, force)
    store = SweepStore(store_path)
    duration_ns = _duration_ns(duration) or int(asked.duration_ns)
    left = what_is_left(asked, socs, wanted, duration_ns, store)
    _run(asked, socs, left, duration_ns, store, cluster, jobs)
    found = rows(left, store)
    _write(asked, found, base)
    _show(asked, found, base, as_json)


sweep.__doc__ = f"{sweep.__doc__}\n\n{_EXAMPLE}"


def register(app: typer.Typer) -> None:
    """Add `sweep` to the app."""
    app.command()(sweep)


def _run(
    workload: "Workload",
    profiles: "list[Profile]",
    left: "Left",
    duration_ns: int,
    store: "SweepStore",
    cluster: str | None,
    jobs: int | None,
) -> None:
    from hetsched.cli.progress import bar
    from hetsched.sim.sweep import Task, tasks
    from hetsched.sim.sweep_pool import run_local, run_on_cluster

    todo = left.todo
    if left.done:
        typer.echo(f"{len(left.done)} of {len(left.points)} points were done before", err=True)
    if not todo:
        return
    left_out: dict[str, None] = {}

    def refuse(point: "Point", why: str) -> None:
        """A SoC that can't run it is no reason to leave out the others."""
        left_out[f"left out: {point.profile}, {point.plans} plans: {why}"] = None

    with bar(1) as told:
        count = 0

        def planned() -> Iterator[Task]:
            yield from tasks(
                workload,
                profiles,
                todo,
                duration_ns,
                told=lambda _what, _share: told("simulating", count / len(todo)),
                refused=refuse,
            )

        if cluster is not None:
            results = run_on_cluster(planned(), cluster)
        else:
            results = run_local(planned(), min(jobs or len(todo), len(todo)) if jobs else None)
        for key, result in results:
            store.add(key, result)
            count += 1
            told("simulating", count / len(todo))
    for line in left_out:
        typer.echo(line, err=True)


def _profiles(text: str) -> "list[Profile]":
    from hetsched.soc.catalog import names
    from hetsched.soc.catalog import profile as find_profile

    wanted = list(names()) if text == "all" else _numbers(text, "--profiles", str)
    found = [find_profile(name) for name in wanted]
    for soc in found:
        if sum(other.name == soc.name for other in found) > 1:
            raise typer.BadParameter(f"{soc.name!r} is there twice", param_hint="--profiles")
    return found


def _plans(text: str | None, workload: "Workload") -> list[str]:
    from hetsched.workload.planning import CHOICES

    if text is None:
        return [workload.objective if workload.planning == "alone" else workload.planning]
    return _known(text, CHOICES, "--objectives")


def _policies(text: str | None, workload: "Workload") -> list[str]:
    from hetsched.dispatch import POLICIES
    from hetsched.sim.blind import ROUND_ROBIN
    from hetsched.workload.checks import STATIC

    known = (*POLICIES, STATIC) if workload.order else POLICIES
    if text is None:
        return [workload.policy]
    return list(known) if text == "all" else _known(text, (*known, ROUND_ROBIN), "--policies")


def _known(text: str, known: tuple[str, ...], option: str) -> list[str]:
    found = _numbers(text, option, str)
    for name in found:
        if name not in known:
            raise typer.BadParameter(
                f"{name!r} isn't known: take {', '.join(known)}", param_hint=option
            )
    return found


def _numbers(text: str, option: str, parse: Callable[[str], T]) -> list[T]:
    """`0.5,1,2` to a list."""
    try:
        found = [parse(part.strip()) for part in text.split(",") if part.strip()]
    except ValueError as error:
        raise typer.BadParameter(f"{text!r}: {error}", param_hint=option) from error
    if not found:
        raise typer.BadParameter(f"{text!r} names nothing: give them as a,b", param_hint=option)
    return found


def _scale(text: str) -> float:
    scale = float(text)
    if not 0 < scale < 1e6:
        raise ValueError(f"{text} must be above 0")
    return scale


def _seeds(text: str) -> list[int]:
    """`0..4`, or `0,7`."""
    first, dots, last = text.partition("..")
    try:
        found = list(range(int(first), int(last) + 1)) if dots else _numbers(text, "--seeds", int)
    except ValueError:
        found = []
    if not found or min(found) < 0:
        raise typer.BadParameter(f"{text!r}: give 0..4 or 0,7", param_hint="--seeds")
    return found


def _duration_ns(text: str | None) -> int | None:
    from hetsched.quantity import parse_duration_ns

    if text is None:
        return None
    try:
        return parse_duration_ns(text)
    except HetschedError as error:
        raise HetschedError(f"--duration: {error}") from None


def _check_outputs(base: Path, store: Path, force: bool) -> None:
    """A sweep's own files are replaced when it goes on; others' aren't."""
    if not base.parent.is_dir():
        raise OutputExistsError(f"{store} can't be written: there is no folder {base.parent}")
    for suffix in (".csv", ".svg"):
        path = base.with_name(base.name + suffix)
        if path.exists() and not store.exists() and not force:
            raise OutputExistsError(f"{path} exists: give another name, or --force to replace it")


def _write(workload: "Workload", found: "list[Row]", base: Path) -> None:
    from hetsched.plan.files import write_output
    from hetsched.sim.sweep_plot import sweep_svg
    from hetsched.sim.sweep_points import rows_csv

    write_output(base.with_name(f"{base.name}.csv"), rows_csv(found), force=True)
    if found:
        picture = sweep_svg(found, workload.name)
        write_output(base.with_name(f"{base.name}.svg"), picture, force=True)


def _show(workload: "Workload", found: "list[Row]", base: Path, as_json: bool) -> None:
    if as_json:
        import msgspec

        body = {"schema": 1, "workload": workload.name, "rows": msgspec.to_builtins(found)}
        typer.echo(msgspec.json.encode(body).decode())
        return
    from rich.console import Console

    from hetsched.cli.sweep_text import print_sweep

    console = Console(highlight=False, markup=False)
    print_sweep(found, console)
    console.print(f"written to {base}.sqlite, {base}.csv and {base}.svg")
