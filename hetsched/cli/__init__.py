"""The command line: one file per command; only `main` turns errors into exit codes."""

import sys

import typer

from hetsched.errors import HetschedError

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


@app.callback()
def _root() -> None:
    """Place every part of a neural network on a device's units, and run it there."""


def main() -> None:
    """Run a command: 0 done, 1 refused with one clear line, 2 usage."""
    try:
        app()
    except HetschedError as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201
        sys.exit(1)
