"""A sweep's results for people."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from hetsched.quantity import format_ns

if TYPE_CHECKING:
    from hetsched.sim.sweep_points import Row

_VARIED: tuple[tuple[str, "Callable[[Row], str]"], ...] = (
    ("profile", lambda row: row.profile),
    ("plans", lambda row: row.plans),
    ("policy", lambda row: row.policy),
    ("scale", lambda row: f"{row.scale:g}"),
    ("seed", lambda row: str(row.seed)),
)


def print_sweep(rows: "Sequence[Row]", console: Console) -> None:
    """One line a point, in 80 columns; what is the same in all of them is said once."""
    same = {name: tell(rows[0]) for name, tell in _VARIED if len({tell(row) for row in rows}) == 1}
    if same:
        console.print(f"in all rows: {', '.join(f'{k} {value}' for k, value in same.items())}")
    shown = [(name, tell) for name, tell in _VARIED if name not in same]
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name, _ in shown:
        table.add_column(name, justify="right" if name in ("scale", "seed") else "left")
    for heading in ("missed", "p99", "busy", "score", "gap"):
        table.add_column(heading, justify="right", no_wrap=True)
    for row in rows:
        table.add_row(*(tell(row) for _, tell in shown), *_found(row))
    console.print(table)


def _found(row: "Row") -> tuple[str, ...]:
    score = row.score_without_energy
    return (
        "-" if row.miss_rate is None else f"{row.miss_rate:.1%}",
        "-" if row.p99_ns is None else format_ns(row.p99_ns),
        f"{row.busiest:.0%}",
        "-" if score is None else f"{score:.1f}",
        "-" if row.gap is None else f"{row.gap:.1%}",
    )
