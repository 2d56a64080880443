"""A plan as text for an 80-column terminal."""

from collections.abc import Iterable

from rich.console import Console
from rich.table import Table
from rich.text import Text

from hetsched.plan.model import BASELINES, Plan, Subgraph
from hetsched.quantity import format_bytes, format_ns, format_uj, weakest

_SPAN = 24
"""Columns for the names of a subgraph's first and last op."""


def print_plan(plan: Plan, console: Console, *, solve_s: float | None = None) -> None:
    """Print what runs where, what it is expected to cost, and how good that is.

    Args:
        plan: what to print.
        console: where to.
        solve_s: time the search took, where known.
    """
    parts = "1 subgraph" if len(plan.subgraphs) == 1 else f"{len(plan.subgraphs)} subgraphs"
    count = f"{plan.model.ops} ops in {parts}"
    console.print(f"{plan.model.name} on {plan.profile.name}: {count}")
    console.print(_stages(plan))
    for line in _legend(plan):
        console.print(line, markup=False)
    totals = Table.grid(padding=(0, 2))
    for label, value in _totals(plan, solve_s):
        totals.add_row(label, Text(value))
    console.print(totals)
    console.print(_baselines(plan))
    for line in _warnings(plan):
        console.print(f"warning: {line}", style="yellow", markup=False)


def _stages(plan: Plan) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading, justify in (
        ("id", "left"),
        ("unit", "left"),
        ("ops", "right"),
        ("from .. to", "left"),
        ("start", "right"),
        ("end", "right"),
        ("cost", "left"),
    ):
        wide = heading == "from .. to"
        table.add_column(
            heading,
            justify="right" if justify == "right" else "left",
            no_wrap=True,
            overflow="ellipsis",
            max_width=_SPAN if wide else None,
        )
    for part in plan.subgraphs:
        table.add_row(
            part.id,
            part.unit,
            str(len(part.ops)),
            _span(part),
            format_ns(part.start_ns),
            format_ns(part.end_ns),
            _cost(part),
        )
    return table


def _cost(part: Subgraph) -> str:
    """Where most of the duration comes from; marked where something weaker went in, too."""
    if part.main_origin is None or part.main_origin is part.cost_origin:
        return str(part.cost_origin)
    return f"{part.main_origin}*"


def _legend(plan: Plan) -> Iterable[str]:
    """What the mark in the column of costs says."""
    marked = [part for part in plan.subgraphs if _cost(part).endswith("*")]
    if marked:
        weaker = weakest(*(part.cost_origin for part in marked))
        yield f"cost: where most of the time's number comes from; * a smaller part is {weaker}"


def _warnings(plan: Plan) -> Iterable[str]:
    """Choices within the error band; single subgraphs together, with the one that may gain most."""
    yield from (doubt.message for doubt in plan.warnings if doubt.kind == "baseline")
    parts = [doubt for doubt in plan.warnings if doubt.kind == "subgraph"]
    if parts:
        most = max(parts, key=lambda doubt: doubt.band - doubt.advantage)
        yield (
            f"{len(parts)} of {len(plan.subgraphs)} subgraphs could be as good on another unit, "
            f"for all that is known: {most.message} (--json lists all)"
        )


def _span(part: Subgraph) -> str:
    half = (_SPAN - 4) // 2
    if len(part.ops) == 1:
        return _short(part.ops[0], _SPAN)
    return f"{_short(part.ops[0], half)} .. {_short(part.ops[-1], half)}"


def _short(name: str, width: int) -> str:
    """The name's end: that is where generated names differ."""
    return name if len(name) <= width else f"…{name[1 - width :]}"


def _totals(plan: Plan, solve_s: float | None) -> Iterable[tuple[str, str]]:
    band = f"{format_ns(plan.latency_low_ns)} to {format_ns(plan.latency_high_ns)}"
    yield "latency", f"{format_ns(plan.latency_ns)} (error band {band})"
    yield from _bases(plan)
    yield "throughput", f"{plan.throughput_rps:.1f} requests/s when pipelined"
    if plan.energy_uj is None:
        yield "energy", "unknown: no power figure for a unit in use"
    else:
        yield "energy", f"{format_uj(plan.energy_uj)} per request"
    peaks = ", ".join(
        f"{unit} {format_bytes(size)}" for unit, size in plan.peak_memory_bytes.items()
    )
    yield "peak memory", peaks
    goal = plan.objective
    reached = format_value(goal.value, goal.unit)
    yield "objective", f"{goal.name} {reached}: {plan.status}, gap {plan.gap:.2%}"
    spent = "" if solve_s is None else f", searched for {solve_s:.1f} s"
    yield "bound", f"no placement is under {format_value(goal.bound, goal.unit)}{spent}"


def _bases(plan: Plan) -> Iterable[tuple[str, str]]:
    """What the band's ends stand for: units whose costs rest on the same together."""
    units: dict[str, list[str]] = {}
    for each in plan.cost_basis:
        band = f"{each.unit} {each.low - 1:+.0%} {each.high - 1:+.0%}"
        units.setdefault(each.basis, []).append(band)
    if units:
        yield "error band", "all costs at their low end, or all at their high end"
    for basis, names in units.items():
        yield "", f"{', '.join(names)}: {basis}"


def format_value(value: int, unit: str) -> str:
    """An objective or baseline in its own unit."""
    return format_ns(value) if unit == "ns" else format_uj(value)


def _baselines(plan: Plan) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("baseline")
    table.add_column(plan.objective.name, justify="right")
    table.add_column("this plan is", justify="left")
    for name, value in plan.baselines.items():
        shown = "infeasible" if value is None else format_value(value, plan.objective.unit)
        table.add_row(BASELINES.get(name, name), shown, _ratio(value, plan.objective.value))
    return table


def _ratio(baseline: int | None, value: int) -> str:
    if baseline is None or value == 0:
        return ""
    return "as good" if baseline == value else f"{baseline / value:.2f}x better"
