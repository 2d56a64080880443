"""A sweep's results for people."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from hetsched.quantity import format_ns

if TYPE_CHECKING:
    from hetsched.sim.sweep_points import Row

NONE = "-"

_VARIED: tuple[tuple[str, "Callable[[Row], str]"], ...] = (
    ("profile", lambda row: row.profile),
    ("plans", lambda row: row.plans),
    ("policy", lambda row: row.policy),
    ("scale", lambda row: f"{row.scale:g}"),
    ("seed", lambda row: str(row.seed)),
)

_FOUND: tuple[tuple[str, "Callable[[Row], str]"], ...] = (
    ("missed", lambda row: _or_none(row.miss_rate, lambda share: f"{share:.1%}")),
    ("p99", lambda row: _or_none(row.p99_ns, format_ns)),
    ("busy", lambda row: f"{row.busiest:.0%}"),
    ("score", lambda row: _or_none(row.score_without_energy, lambda score: f"{score:.1f}")),
    ("gap", lambda row: _or_none(row.gap, lambda gap: f"{gap:.1%}")),
)


def print_sweep(rows: "Sequence[Row]", console: Console) -> None:
    """One line a point, in 80 columns.

    What is the same in all of them is said once; a column where nothing is known is left out.
    """
    same = {name: tell(rows[0]) for name, tell in _VARIED if len({tell(row) for row in rows}) == 1}
    if same:
        console.print(f"in all rows: {', '.join(f'{k} {value}' for k, value in same.items())}")
    shown = [(name, tell) for name, tell in _VARIED if name not in same]
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name, _ in shown:
        table.add_column(name, justify="right" if name in ("scale", "seed") else "left")
    found = [(name, tell) for name, tell in _FOUND if any(tell(row) != NONE for row in rows)]
    for heading, _ in found:
        table.add_column(heading, justify="right", no_wrap=True)
    for row in rows:
        table.add_row(*(tell(row) for _, tell in (*shown, *found)))
    console.print(table)


def _or_none(value: float | None, shown: "Callable[[float], str]") -> str:
    return NONE if value is None else shown(value)
