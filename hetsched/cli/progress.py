"""A spinner on stderr for what may take over a second; nothing when stderr isn't a terminal."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console


@contextmanager
def step(what: str) -> Iterator[None]:
    """Show `what` with a spinner and the time spent until the block ends."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield
        return
    with console.status(f"{what} ...", spinner="dots"):
        yield
