"""`hetsched units`: what this machine has to run stages on."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hetsched.runtime.probing import Cores, Engine, Tried

_EXAMPLE = "Example: hetsched units --probe"
_WIDTH = 80


def units(
    probe: Annotated[
        bool, typer.Option("--probe", help="Run a small model on each engine, check its numbers.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """List this machine's CPU cores and the engines that `run --map UNIT=ENGINE` takes.

    An engine that isn't here says what is missing. With --probe, exit 1 where one that is here
    computes other numbers than ONNX Runtime's CPU provider, or fails.
    """
    from hetsched.cli.progress import step
    from hetsched.runtime.probing import cores, engines

    with step("running a small model on each engine" if probe else "looking for engines"):
        found = engines(run=probe)
    if as_json:
        _print_json(cores(), found)
    else:
        for line in _lines(cores(), found):
            typer.echo(line)
    _refuse_wrong(found)


units.__doc__ = f"{units.__doc__}\n\n    {_EXAMPLE}"


def register(app: typer.Typer) -> None:
    """Add `units` to the app."""
    app.command()(units)


def _print_json(cores: "Sequence[Cores]", engines: "Sequence[Engine]") -> None:
    import msgspec

    content = {"schema": 1, "cpu": cores, "engines": engines}
    typer.echo(msgspec.json.format(msgspec.json.encode(content), indent=2).decode())


def _lines(cores: "Sequence[Cores]", engines: "Sequence[Engine]") -> Iterator[str]:
    for cluster in cores:
        threads = ", ".join(map(str, cluster.threads))
        yield f"{len(cluster.units)} CPU cores: {cluster.title}"
        yield f"  units {', '.join(cluster.units)}; threads of a run: {threads}"
    yield ""
    yield f"{'engine':<10}{'version':<12}{'computes in':<16}on"
    for engine in engines:
        yield from _engine_lines(engine)
    missing = [engine for engine in engines if not engine.probe.here]
    for engine in missing:
        yield from _wrapped(f"{engine.name} isn't here: {engine.probe.why_not}")
    for engine in engines:
        for note in engine.probe.notes:
            yield from _wrapped(f"{engine.name}: {note}")


def _engine_lines(engine: "Engine") -> Iterator[str]:
    found = engine.probe
    if not found.here:
        yield f"{engine.name:<10}-"
        return
    dtypes = ", ".join(found.dtypes)
    where = ", ".join(found.devices)
    version = (found.version or "").split(",")[0]
    if len(version) > 11:  # an OpenCL platform's
        version, where = "", f"{where}; {version}"
    yield f"{engine.name:<10}{version:<12}{dtypes:<16}{where}"[:_WIDTH]
    if engine.tried is not None:
        yield from _wrapped(_tried(engine.tried), indent="  ")


def _tried(tried: "Tried") -> str:
    from hetsched.quantity import format_ns

    if tried.verified is None:
        return f"{tried.model}: failed: {tried.why_not}"
    word = "right" if tried.verified.passed else "WRONG"
    error = tried.verified.max_rel_error
    off = (
        "not comparable" if error is None else f"off by {error:.2g}, bound {tried.verified.bound:g}"
    )
    time = "" if tried.latency_ns is None else f", {format_ns(tried.latency_ns)} a run"
    return f"{tried.model}: {word}, {off}{time}"


def _wrapped(text: str, indent: str = "") -> list[str]:
    import textwrap

    return textwrap.wrap(
        text, _WIDTH, initial_indent=indent, subsequent_indent=f"{indent}  ",
        break_long_words=False,
    )  # fmt: skip


def _refuse_wrong(engines: "Sequence[Engine]") -> None:
    from hetsched.errors import BackendError

    for engine in engines:
        tried = engine.tried
        if tried is not None and (tried.verified is None or not tried.verified.passed):
            raise BackendError(f"engine {engine.name!r}: {_tried(tried)}")
