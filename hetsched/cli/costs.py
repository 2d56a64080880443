"""`hetsched costs`: what the cost store holds; in and out of it."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from hetsched.cli.costs_import import register_import
from hetsched.errors import CostError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hetsched.cost.store import CostStore
    from hetsched.cost.store_contents import Record, Wanted

_AGE = re.compile(r"(\d+(?:\.\d+)?)(d|h|min)")
_PER: dict[str, float] = {"d": 86400.0, "h": 3600.0, "min": 60.0}

_HELP = "What the cost store holds; into it, out of it."
_EXAMPLE = "Example: hetsched costs list --model ppocr-det"

Store: TypeAlias = Annotated[
    Path | None, typer.Option(help="Cost store; default in the user's cache.")
]
Model: TypeAlias = Annotated[str | None, typer.Option(help="Only what was measured in this model.")]
Unit: TypeAlias = Annotated[
    str | None, typer.Option(help="Only units whose description has this text.")
]
Origin: TypeAlias = Annotated[str | None, typer.Option(help="Only this origin: measured.")]
Older: TypeAlias = Annotated[
    str | None, typer.Option(help="Only what was measured longer ago: 30d, 12h.")
]
Newer: TypeAlias = Annotated[
    str | None, typer.Option(help="Only what was measured since then: 30d, 12h.")
]
Json: TypeAlias = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


def list_costs(
    model: Model = None,
    unit: Unit = None,
    origin: Origin = None,
    older_than: Older = None,
    newer_than: Newer = None,
    limit: Annotated[int, typer.Option(help="Rows per unit, the slowest first.")] = 20,
    store: Store = None,
    as_json: Json = False,
) -> None:
    """List what was measured or imported, by unit.

    Example: hetsched costs list --model ppocr-det --unit "1 thread"
    """
    kept = _open(store)
    wanted = _filter(model, unit, origin, older_than, newer_than)
    records = [record for record in kept.records() if wanted(record)]
    if as_json:
        _show_json({"store": str(kept.path), "records": records})
        return
    from hetsched.cli.costs_text import print_records

    print_records(records, kept.path, limit)


def export_costs(
    output: Annotated[Path, typer.Argument(metavar="FILE", help="Ends in .json or .csv.")],
    model: Model = None,
    unit: Unit = None,
    origin: Origin = None,
    older_than: Older = None,
    newer_than: Newer = None,
    force: Annotated[bool, typer.Option("--force", help="Replace an existing file.")] = False,
    store: Store = None,
    as_json: Json = False,
) -> None:
    """Write records to a file that `costs import` and `costs merge` take back.

    Example: hetsched costs export mine.csv --model ppocr-det
    """
    from hetsched.cost.store_files import write_export

    kept = _open(store)
    wanted = _filter(model, unit, origin, older_than, newer_than)
    records = [record for record in kept.records() if wanted(record)]
    write_export(records, output, force=force)
    _done({"written": len(records), "file": str(output)}, as_json,
          f"{_count(records)} written to {output}")  # fmt: skip


def merge_costs(
    sources: Annotated[
        list[Path], typer.Argument(metavar="FILE...", help="Other stores, or exports.")
    ],
    store: Store = None,
    as_json: Json = False,
) -> None:
    """Take what other stores or exports hold; of the same subject the newest stays.

    Example: hetsched costs merge colleague.sqlite mine.csv
    """
    from hetsched.cost.store import CostStore
    from hetsched.cost.store_files import read_any

    found = [record for source in sources for record in read_any(source)]
    kept = CostStore(store)
    new = kept.put_records(found)
    _done(
        {"read": len(found), "taken": new, "store": str(kept.path)}, as_json,
        f"{_count(found)} read, {new} of them new or newer: now in {kept.path}",
    )  # fmt: skip


def drop_costs(
    model: Model = None,
    unit: Unit = None,
    origin: Origin = None,
    older_than: Older = None,
    newer_than: Newer = None,
    everything: Annotated[bool, typer.Option("--all", help="Drop all there is.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Really drop.")] = False,
    store: Store = None,
    as_json: Json = False,
) -> None:
    """Remove records. Says how many without --force, and removes none.

    Example: hetsched costs drop --older-than 90d --force
    """
    if not everything and not any((model, unit, origin, older_than, newer_than)):
        raise CostError(
            "costs drop: say what: --model, --unit, --origin, --older-than, --newer-than, or --all"
        )
    kept = _open(store)
    wanted = _filter(model, unit, origin, older_than, newer_than)
    if not force:
        records = [record for record in kept.records() if wanted(record)]
        raise CostError(f"{_count(records)} of {kept.path} would be dropped: --force does it")
    gone = kept.drop(wanted)
    _done({"dropped": gone, "store": str(kept.path)}, as_json, f"{gone} dropped from {kept.path}")


def register(app: typer.Typer) -> None:
    """Add `costs` and its commands to the app."""
    group = typer.Typer(no_args_is_help=True, help=f"{_HELP}\n\n{_EXAMPLE}")
    group.command("list")(list_costs)
    group.command("export")(export_costs)
    register_import(group)
    group.command("merge")(merge_costs)
    group.command("drop")(drop_costs)
    app.add_typer(group, name="costs")


def _open(store: Path | None) -> "CostStore":
    """The store, which must exist: looking at one shouldn't make it."""
    from hetsched.cost.store import CostStore, default_path

    path = default_path() if store is None else store
    if not path.exists():
        raise CostError(
            f"there is no cost store {path} yet: `hetsched measure MODEL` makes one, --store names "
            "another"
        )
    return CostStore(path)


def _filter(
    model: str | None, unit: str | None, origin: str | None, older: str | None, newer: str | None
) -> "Wanted":
    from hetsched.cost.store_contents import unit_title
    from hetsched.quantity import Origin as Origins

    if origin is not None and origin not in list(Origins):
        raise CostError(f"--origin {origin}: take one of {', '.join(Origins)}")
    before = None if older is None else _past(older, "--older-than")
    since = None if newer is None else _past(newer, "--newer-than")

    def wanted(record: "Record") -> bool:
        return (
            (model is None or record.model == model.removeprefix("zoo:"))
            and (unit is None or unit.lower() in unit_title(record.unit).lower())
            and (origin is None or record.origin == origin)
            and (before is None or record.measured_at < before)
            and (since is None or record.measured_at >= since)
        )

    return wanted


def _past(age: str, option: str) -> str:
    """A moment that long ago, as records write it."""
    match = _AGE.fullmatch(age.strip())
    if match is None:
        raise CostError(f"{option} {age}: give a number and d, h or min, as 30d")
    then = datetime.now(UTC) - timedelta(seconds=float(match[1]) * _PER[match[2]])
    return then.strftime("%Y-%m-%dT%H:%M:%SZ")


def _count(records: "Sequence[Record]") -> str:
    return "1 record" if len(records) == 1 else f"{len(records)} records"


def _done(body: dict[str, object], as_json: bool, text: str) -> None:
    if as_json:
        _show_json(body)
    else:
        typer.echo(text)


def _show_json(body: dict[str, object]) -> None:
    import msgspec

    typer.echo(msgspec.json.encode({"schema": 1} | body).decode())
