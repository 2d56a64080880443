"""A sweep's results for people."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from hetsched.quantity import format_ns

if TYPE_CHECKING:
    from hetsched.sim.sweep_points import Row


def print_sweep(rows: "Sequence[Row]", console: Console) -> None:
    """One line a point, in 80 columns."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("profile", "plans", "policy"):
        table.add_column(heading, no_wrap=True, overflow="ellipsis")
    for heading in ("scale", "seed", "missed", "p99", "busy", "score", "gap"):
        table.add_column(heading, justify="right", no_wrap=True)
    for row in rows:
        table.add_row(
            row.profile,
            row.plans,
            row.policy,
            f"{row.scale:g}",
            str(row.seed),
            "-" if row.miss_rate is None else f"{row.miss_rate:.1%}",
            "-" if row.p99_ns is None else format_ns(row.p99_ns),
            f"{row.busiest:.0%}",
            "-" if row.score_without_energy is None else f"{row.score_without_energy:.1f}",
            "-" if row.gap is None else f"{row.gap:.1%}",
        )
    console.print(table)
