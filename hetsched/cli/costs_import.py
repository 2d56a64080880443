"""`hetsched costs import`: measurements of other tools, brought into the cost store."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hetsched.cli.options import parse_shapes
from hetsched.errors import CostError, HetschedError

if TYPE_CHECKING:
    from hetsched.cost.importing import ImportedCost
    from hetsched.cost.importing.keep import Import
    from hetsched.ir.model import Model
    from hetsched.soc.profile import Profile, Unit

_EXAMPLE = (
    "Example: hetsched costs import phone.txt --model zoo:ppocr-cls --profile helio-g90 --unit gpu"
)


def import_costs(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="What the other tool wrote, or a CSV.")
    ],
    profile: Annotated[
        str | None, typer.Option(help="The SoC: a name of `hetsched profiles`, or a .toml file.")
    ] = None,
    unit: Annotated[str | None, typer.Option(help="The profile's unit that was measured.")] = None,
    model: Annotated[
        str | None, typer.Option(help="The model that ran: an ONNX file, or zoo:NAME.")
    ] = None,
    shape: Annotated[
        list[str] | None, typer.Option(help="Freeze an input's shape: NAME=1,3,480,640.")
    ] = None,
    file_format: Annotated[
        str | None,
        typer.Option("--format", help="onnxruntime, tflite, ncnn, mnn or csv; found out if left."),
    ] = None,
    dtype: Annotated[
        str | None, typer.Option(help="Arithmetic of the run; the unit's own if left out.")
    ] = None,
    threads: Annotated[int | None, typer.Option(help="Threads of the run.")] = None,
    only: Annotated[
        str | None, typer.Option(help="Take one provider's or backend's rows: cpu, nnapi.")
    ] = None,
    whole: Annotated[
        str | None,
        typer.Option(help="A plain run's time, 8.7ms: what the profiler took is taken off."),
    ] = None,
    rows_out: Annotated[
        Path | None, typer.Option(help="Write whole networks as a CSV for calibrate --rows.")
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace an existing file of --rows-out.")
    ] = False,
    store: Annotated[
        Path | None, typer.Option(help="Cost store; default in the user's cache.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Import what another tool measured: of a model's ops, or of whole networks.

    Reads ONNX Runtime profiles, the output of TFLite's benchmark_model, ncnn's benchncnn and MNN's
    benchmark.out, and CSV; also what `hetsched costs export` wrote, which needs no options.
    `hetsched plan --store` uses the times of ops; whole networks are for `hetsched calibrate`. A
    file with a mistake is refused as a whole.
    """
    from hetsched.cost.store_files import is_export

    if is_export(file):
        _take_export(file, store, as_json)
        return
    if profile is None or unit is None:
        missing = "--profile" if profile is None else "--unit"
        raise CostError(
            f"{missing} is missing: another tool's file doesn't say what was measured; name the "
            f"SoC with --profile and its unit with --unit"
        )
    from hetsched.cost.importing import read_measurements
    from hetsched.cost.importing.calibration import refuse_existing, rows_text, write_rows
    from hetsched.cost.importing.keep import convert
    from hetsched.cost.importing.target import Target
    from hetsched.cost.store import CostStore
    from hetsched.soc.catalog import profile as find

    refuse_existing(rows_out, force)
    soc = find(profile)
    on = _unit(soc, unit)
    rows = read_measurements(
        file, format=file_format, unit=unit, dtype=dtype, threads=threads, only=only
    )
    found = convert(
        rows,
        Target(
            profile=soc,
            unit=on,
            model=_model(model, shape or []),
            source=file.name,
            date=_date(file),
            whole_table=only is None,
            whole_ns=_duration(whole),
        ),
    )
    text = rows_text(found.networks, soc, on) if rows_out is not None else ""
    kept = CostStore(store)
    count = kept.put_batches(found.batches)
    if rows_out is not None:
        write_rows(text, rows_out)
    _show(rows, found, count, soc, on, kept.path, as_json)


import_costs.__doc__ = f"{import_costs.__doc__}\n\n    {_EXAMPLE}"


def register_import(app: typer.Typer) -> None:
    """Add `import` to the group of `hetsched costs`."""
    app.command("import")(import_costs)


def _take_export(file: Path, store: Path | None, as_json: bool) -> None:
    """Records of hetsched's own, as they are."""
    import msgspec

    from hetsched.cost.store import CostStore
    from hetsched.cost.store_files import read_any

    found = read_any(file)
    kept = CostStore(store)
    new = kept.put_records(found)
    if as_json:
        body = {"schema": 1, "read": len(found), "taken": new, "store": str(kept.path)}
        typer.echo(msgspec.json.encode(body).decode())
        return
    typer.echo(f"{len(found)} records read, {new} of them new or newer: now in {kept.path}")


def _duration(text: str | None) -> int | None:
    from hetsched.quantity import parse_duration_ns

    if text is None:
        return None
    try:
        return parse_duration_ns(text)
    except HetschedError as error:
        raise HetschedError(f"--whole: {error}") from None


def _unit(soc: "Profile", name: str) -> "Unit":
    known = [unit.name for unit in soc.units]
    if name not in known:
        raise CostError(f"--unit {name}: {soc.name} has no such unit, only {', '.join(known)}")
    return soc.unit(name)


def _model(reference: str | None, shapes: Sequence[str]) -> "Model | None":
    if reference is None:
        return None
    from hetsched.cli.progress import step
    from hetsched.ir.load import load

    with step(f"loading {reference}"):
        return load(reference, shapes=parse_shapes(shapes))


def _date(file: Path) -> str:
    """When the file was last written, for rows that don't say when they were measured."""
    return datetime.fromtimestamp(file.stat().st_mtime, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _show(
    rows: "Sequence[ImportedCost]",
    found: "Import",
    count: int,
    soc: "Profile",
    unit: "Unit",
    store: Path,
    as_json: bool,
) -> None:
    if as_json:
        _show_json(rows, found, count, soc, unit, store)
        return
    from hetsched.quantity import format_ns

    first = rows[0]
    by = " ".join(part for part in (first.framework, first.backend) if part)
    typer.echo(f"{len(rows)} rows of {by}, for {unit.name} of {soc.name}")
    if found.groups:
        typer.echo(
            f"ops: {format_ns(found.total_ns)} in all, {found.covered} of the model's "
            f"{found.groups} groups have a time now"
        )
    if found.split:
        typer.echo(
            f"     {found.split} of them a share of what the device fused with others: calibrated"
        )
    if found.networks:
        typer.echo(f"whole networks: {len(found.networks)}")
    for note in found.notes:
        typer.echo(f"note: {note}")
    typer.echo(f"{count} entries written to {store}")


def _show_json(
    rows: "Sequence[ImportedCost]",
    found: "Import",
    count: int,
    soc: "Profile",
    unit: "Unit",
    store: Path,
) -> None:
    import msgspec

    body = {
        "schema": 1,
        "profile": soc.name,
        "unit": unit.name,
        "framework": rows[0].framework,
        "backend": rows[0].backend,
        "rows": len(rows),
        "groups": found.groups,
        "covered": found.covered,
        "split": found.split,
        "total_ns": found.total_ns,
        "networks": [
            {"name": row.name, "input_shape": row.input_shape, "latency_ns": row.latency_ns}
            for row in found.networks
        ],
        "entries": count,
        "notes": list(found.notes),
        "store": str(store),
    }
    typer.echo(msgspec.json.encode(body).decode())
