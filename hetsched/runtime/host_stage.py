"""What an app does before and after its model, as it was declared and as it will be run."""

import inspect
import itertools
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

from hetsched.errors import RunError
from hetsched.stages.crossing import UnsendableError, encode

Where: TypeAlias = Literal["process", "thread", "loop"]

_log = logging.getLogger(__name__)
_keys = itertools.count()


@dataclass(frozen=True, slots=True, kw_only=True)
class HostCall:
    """A host stage with a say in how it runs; a plain callable will do where there is none.

    Attributes:
        call: a function, a ready-made stage, any callable with one argument, or an ONNX file.
        where: `process`, `thread`, or `loop`: on the event loop itself, for what takes next to
            no time. None for the best that it can: see `docs/host-stages.md`.
        name: for people.
    """

    call: Any
    where: Where | None = None
    name: str | None = None


Declared: TypeAlias = Any
"""One host stage or a sequence of them: callables, `HostCall`s, ONNX files' paths."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HostStage:
    """A host stage that is ready to run.

    Attributes:
        key: its own, in this process.
        id: `pre0:resize`, unique in its app.
        app: name of its app.
        call: with one argument.
        where: it runs.
        is_async: whether it gives an awaitable.
        number: its place among its app's host stages.
    """

    key: int
    id: str
    app: str
    call: Callable[[Any], Any]
    where: Where
    is_async: bool
    number: int

    def __str__(self) -> str:
        return f"host stage {self.id!r} of app {self.app!r}"


def host_stages(
    declared: Declared, phase: Literal["pre", "post"], app: str, first: int = 0
) -> tuple[HostStage, ...]:
    """The host stages of one phase.

    Args:
        declared: as given to `deploy`.
        phase: before or after the model.
        app: name of the app.
        first: number of the first of them.

    Raises:
        RunError: naming the one that can't be called, or can't run where it should.
    """
    several = isinstance(declared, Sequence) and not isinstance(declared, str)
    calls = list(declared) if several else [declared]
    return tuple(
        _host_stage(one, f"{phase}{index}", app, first + index) for index, one in enumerate(calls)
    )


def _host_stage(declared: Any, place: str, app: str, number: int) -> HostStage:
    asked = declared if isinstance(declared, HostCall) else HostCall(call=declared)
    call = asked.call
    if isinstance(call, str | Path):
        from hetsched.stages.onnx_file import OnnxFile  # only who has one needs it

        call = OnnxFile(path=str(call))
    name = asked.name or _name_of(call)
    id_ = f"{place}:{name}"
    if not callable(call):
        raise RunError(
            f"{id_} of app {app!r} is a {type(call).__name__}: give a callable with one argument, "
            "a stage of hetsched.stages, or an ONNX file's path"
        )
    is_async = inspect.iscoroutinefunction(call) or inspect.iscoroutinefunction(
        getattr(call, "__call__", None)  # noqa: B004 - its kind is asked for
    )
    where = _where(asked.where, call, id_, app, is_async=is_async)
    return HostStage(
        key=next(_keys), id=id_, app=app, call=call, where=where, is_async=is_async, number=number
    )


def _where(asked: Where | None, call: Any, id_: str, app: str, *, is_async: bool) -> Where:
    """Where it runs.

    Raises:
        RunError: when it can't run where it should.
    """
    if asked is not None and asked not in get_args(Where):
        choice = " or ".join(get_args(Where))
        raise RunError(f"where is {asked!r} for {id_} of app {app!r}: give {choice}")
    if is_async:
        if asked in ("process", "thread"):
            raise RunError(f"{id_} of app {app!r} is async: it runs on the loop, not in a {asked}")
        return "loop"
    if asked in ("thread", "loop"):
        return asked
    if asked is None and getattr(call, "releases_gil", False):
        return "thread"
    why = _unsendable(call)
    if why is None:
        return "process"
    if asked == "process":
        raise RunError(f"{id_} of app {app!r} can't run in a process: {why}")
    _log.warning(
        "%s of app %s runs on a thread, where it holds the GIL up while it computes: %s; say "
        "where='thread' (or 'loop') if that is meant",
        id_,
        app,
        why,
    )
    return "thread"


def _unsendable(call: Any) -> str | None:
    """Why a process can't be told what to call; None when it can."""
    try:
        encode((call,), 1 << 62)
    except UnsendableError:
        return (
            "only what a module holds under its name can be imported there (no lambda, closure or "
            "bound method), and dataclasses and msgspec structs of sendable values"
        )
    return None


def _name_of(call: Any) -> str:
    name = getattr(call, "__name__", None)
    return name if isinstance(name, str) else type(call).__name__
