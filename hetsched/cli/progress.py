"""Spinners and bars on stderr for what may take over a second; nothing off a terminal."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn


@contextmanager
def step(what: str) -> Iterator[None]:
    """Show `what` with a spinner and the time spent until the block ends."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield
        return
    with console.status(f"{what} ...", spinner="dots"):
        yield


@contextmanager
def bar(steps: int) -> Iterator[Callable[[str, float], None]]:
    """A bar for some named steps, each told the share of it that is done, 0 to 1."""
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        disable=not Console(stderr=True).is_terminal,
        transient=True,
    ) as shown:
        task = shown.add_task("", total=steps)
        seen: list[str] = []

        def show(name: str, share: float) -> None:
            if name not in seen:
                seen.append(name)
            shown.update(task, description=name, completed=len(seen) - 1 + share)

        yield show
