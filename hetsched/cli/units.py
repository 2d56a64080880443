"""`hetsched units`: what this machine has to run stages on."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hetsched.runtime.machine import Machine
    from hetsched.runtime.probing import Cores, Engine, Tried

_EXAMPLE = "Example: hetsched units --probe"
_WIDTH = 80
_VERSION = 11


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
    from hetsched.runtime.machine import machine
    from hetsched.runtime.probing import cores, engines

    state = machine()
    with step("running a small model on each engine" if probe else "looking for engines"):
        found = engines(run=probe)
    if as_json:
        _print_json(state, cores(), found)
    else:
        for line in _lines(state, cores(), found):
            typer.echo(line)
    _refuse_wrong(found)


units.__doc__ = f"{units.__doc__}\n\n    {_EXAMPLE}"


def register(app: typer.Typer) -> None:
    """Add `units` to the app."""
    app.command()(units)


def _print_json(machine: "Machine", cores: "Sequence[Cores]", engines: "Sequence[Engine]") -> None:
    import msgspec

    content = {"schema": 1, "machine": machine, "cpu": cores, "engines": engines}
    typer.echo(msgspec.json.format(msgspec.json.encode(content), indent=2).decode())


def _lines(
    machine: "Machine", cores: "Sequence[Cores]", engines: "Sequence[Engine]"
) -> Iterator[str]:
    from hetsched.quantity import format_bytes

    for cluster in cores:
        threads = ", ".join(map(str, cluster.threads))
        yield f"{len(cluster.units)} CPU cores: {cluster.title}"
        yield f"  units {', '.join(cluster.units)}; threads of a run: {threads}"
    free, whole = format_bytes(machine.available_bytes), format_bytes(machine.memory_bytes)
    busy = ": busy, measure later" if machine.is_busy else ""
    yield f"memory {whole}, {free} free; load {machine.load:.2f} on {machine.cores} cores{busy}"
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
    version = found.version or ""
    is_long = len(version) > _VERSION  # an OpenCL platform's
    dtypes, where = ", ".join(found.dtypes), ", ".join(found.devices)
    yield f"{engine.name:<10}{'' if is_long else version:<{_VERSION + 1}}{dtypes:<16}{where}"[
        :_WIDTH
    ]
    if is_long:
        yield from _wrapped(version, indent="  ")
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
