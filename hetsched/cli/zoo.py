"""`hetsched zoo`."""

import typer


def zoo() -> None:
    """List real models to try."""


def register(app: typer.Typer) -> None:
    """Add `zoo` to the app."""
    app.command()(zoo)
