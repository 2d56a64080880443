"""`hetsched calibrate`: rates of a SoC from published measurements, with their error."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from hetsched.cost.calibrate.write import Results
    from hetsched.soc.profile import Profile


def calibrate(
    profile: Annotated[
        str, typer.Argument(metavar="PROFILE", help="A name of `hetsched profiles`, or a .toml.")
    ],
    rows: Annotated[
        Path | None, typer.Option(help="CSV of measurements beside the published ones.")
    ] = None,
    features: Annotated[
        Path | None, typer.Option(help="CSV of networks' features, for models not at hand.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Write the profile with new rates here.")
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace an existing output file.")
    ] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Exit 1 unless the profile's rates are up to date.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Fit a profile's rates to measured latencies of whole networks, and say how far off they are.

    Which rows belong to a unit stands in its [units.calibrate.DTYPE] of the profile. Errors are of
    predictions by a fit without the model in question.

    Example: hetsched calibrate rk3588 -o my-rk3588.toml
    """
    from hetsched.cost.calibrate.profile import calibrate_profile, differences, tables
    from hetsched.errors import CostError
    from hetsched.soc.catalog import locate
    from hetsched.soc.catalog import profile as find

    _refuse_existing(output, force)
    soc = find(profile)
    results = calibrate_profile(soc, tables(rows, features), find)
    _show(soc, results, as_json)
    if output is not None:
        _write(locate(profile), output, results)
    stale = list(differences(soc, results)) if check else []
    if stale:
        raise CostError(f"profile {soc.name} is out of date: {stale[0]} ({len(stale)} in all)")


def register(app: typer.Typer) -> None:
    """Add `calibrate` to the app."""
    app.command("calibrate")(calibrate)


def _refuse_existing(output: Path | None, force: bool) -> None:
    from hetsched.errors import OutputExistsError

    if output is not None and output.exists() and not force:
        raise OutputExistsError(f"{output} exists: give another name, or --force to replace it")


def _write(source: Path, output: Path, results: "Results") -> None:
    import tomllib

    from hetsched.cost.calibrate.write import with_results
    from hetsched.soc.catalog import parse
    from hetsched.soc.skeleton import write_whole

    text = with_results(source.read_text(encoding="utf-8"), results)
    parse(tomllib.loads(text), str(output))
    write_whole(output, text)


def _show(soc: "Profile", results: "Results", as_json: bool) -> None:
    from hetsched.cli.profile_errors import table

    if as_json:
        typer.echo(_json(soc, results))
        return
    for line in table({key: record for key, (_, record) in results.items()}):
        typer.echo(line)


def _json(soc: "Profile", results: "Results") -> str:
    import msgspec

    units = [
        {"unit": name, "dtype": dtype, "rates": rates, "calibration": record}
        for (name, dtype), (rates, record) in results.items()
    ]
    content = msgspec.json.encode({"profile": soc.name, "units": units})
    return msgspec.json.format(content, indent=2).decode()
