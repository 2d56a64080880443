"""The command line: one file per command, loaded only when it is asked for.

A command `name` lives in `hetsched/cli/<name>.py`, which offers `register(app)`: it adds the
command (or a group of them) to the app. Such a file imports typer and light parts of hetsched at
its top, and what does the work inside the command, so that `--help` stays quick. Only `main` turns
errors into exit codes.
"""

import errno
import importlib
import io
import logging
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup

import hetsched
from hetsched.errors import HetschedError

COMMANDS = (
    "check", "convert", "refit", "plan", "run", "simulate", "sweep", "report", "top", "export",
    "measure", "costs", "calibrate", "profiles", "frameworks", "units", "zoo",
)  # fmt: skip
"""In the order of the flow, which is the order in `--help`."""


class _InOrder(TyperGroup):
    """Lists the commands as COMMANDS does; typer puts groups last."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - as typer calls it
        return [name for name in COMMANDS if name in self.commands]


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"hetsched {hetsched.__version__}")
        raise typer.Exit


def _root(
    version: Annotated[  # noqa: ARG001  (its callback acts)
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
    ops: Annotated[
        list[Path] | None,
        typer.Option(help="Run this Python file first: it registers custom ops."),
    ] = None,
) -> None:
    """Place every part of a neural network on a device's units, and run it there."""
    for path in ops or ():
        from hetsched.cli.custom_ops import register_from

        register_from(path)


def build_app(names: Iterable[str] = COMMANDS) -> typer.Typer:
    """The app with these commands; loads only their files."""
    app = typer.Typer(
        name="hetsched",
        cls=_InOrder,
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )
    app.callback()(_root)
    for name in names:
        importlib.import_module(f"hetsched.cli.{name}").register(app)
    return app


def _asked_for(argv: Sequence[str]) -> Sequence[str]:
    """The command named first on the line, else all: for help, or the message on a wrong name."""
    words = list(argv)
    while len(words) > 2 and words[0] == "--ops":
        del words[:2]
    return words[:1] if words and words[0] in COMMANDS else COMMANDS


def _show_log() -> None:
    """What takes long says so through logging: show it on stderr, where only people read."""
    logger = logging.getLogger("hetsched")
    if not logger.handlers:
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter("%(message)s"))
        logger.addHandler(handler)
        logger.setLevel(logging.INFO)


def _take_any_name() -> None:
    """Names of models and ops may hold what the terminal's encoding lacks: it is escaped."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _refuse(line: str) -> NoReturn:
    print(f"error: {line}", file=sys.stderr)  # noqa: T201 - the door where errors become text
    sys.exit(1)


def main(argv: Sequence[str] | None = None) -> None:
    """Run a command and exit.

    0 done, 1 refused with one clear line, 2 usage, 3 analysed and something blocks, 130
    interrupted.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    _show_log()
    _take_any_name()
    try:
        build_app(_asked_for(words))(args=words, prog_name="hetsched")
    except HetschedError as error:
        _refuse(" ".join(str(error).split()))
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        _refuse(f"the output can't be written: {error.strerror}")
    except KeyboardInterrupt:
        sys.exit(130)
