"""A simulated workload for people: plans, apps, units, what isn't known."""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from hetsched.quantity import format_ns, format_uj
from hetsched.workload.planning import is_bounded

if TYPE_CHECKING:
    from hetsched.sim.outcome import Outcome

UNKNOWN = "unknown"
_LONGEST = 13


def print_outcome(outcome: "Outcome", console: Console) -> None:
    """Everything, in 80 columns."""
    result, scenario = outcome.result, outcome.scenario
    workload = scenario.workload
    console.print(f"{workload.name} on {scenario.profile.name}: simulated, nothing was measured")
    times = f", {outcome.scale:g} x the load" if outcome.scale != 1 else ""
    console.print(
        f"{format_ns(result.duration_ns)} of requests{times}, policy {result.policy}, "
        f"seed {result.seed}\n"
    )
    console.print(_plans(outcome))
    console.print()
    console.print(_apps(outcome))
    console.print()
    console.print(_units(outcome))
    console.print()
    _print_totals(outcome, console)
    for note in scenario.notes:
        console.print(f"note: {note}", style="yellow")
    for what in _grouped(result.unknown):
        console.print(f"unknown: {what}", style="dim")


def _table(*columns: tuple[str, bool]) -> Table:
    """Columns of (heading, whether they hold numbers)."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading, is_number in columns:
        table.add_column(
            heading, justify="right" if is_number else "left", no_wrap=True, overflow="ellipsis"
        )
    return table


def _plans(outcome: "Outcome") -> Table:
    table = _table(("app", False), ("plan", True), ("gap", True), ("parts", True), ("units", False))
    for each in outcome.scenario.planned:
        plan = each.plan
        units = dict.fromkeys(part.unit for part in plan.subgraphs)
        table.add_row(
            _name(each.app.name),
            format_ns(plan.latency_ns),
            f"{plan.gap:.1%}" if is_bounded(each) else "-",
            str(len(plan.subgraphs)),
            " ".join(units),
        )
    return table


def _apps(outcome: "Outcome") -> Table:
    table = _table(
        ("app", False), ("asked", True), ("missed", True), ("dropped", True), ("p50", True),
        ("p95", True), ("p99", True), ("energy", True),
    )  # fmt: skip
    for app in outcome.result.apps:
        table.add_row(
            _name(app.name),
            str(app.requests),
            _share(app.miss_rate),
            _share(app.drop_rate),
            *(
                ("-" if ns is None else format_ns(ns))
                for ns in (app.p50_ns, app.p95_ns, app.p99_ns)
            ),
            UNKNOWN if app.energy_uj is None else format_uj(app.energy_uj),
        )
    return table


def _units(outcome: "Outcome") -> Table:
    table = _table(("unit", False), ("busy", True), ("stages", True), ("energy", True))
    for unit in outcome.result.units:
        table.add_row(
            unit.name,
            f"{unit.utilization:.1%}",
            str(unit.stages),
            UNKNOWN if unit.energy_uj is None else format_uj(unit.energy_uj),
        )
    return table


def _print_totals(outcome: "Outcome", console: Console) -> None:
    result = outcome.result
    console.print(f"missed         {_share(result.miss_rate)} of all: late, dropped or failed")
    gone = {app.name: app.cancelled for app in result.apps if app.cancelled}
    if gone:
        counts = ", ".join(f"{count} of {name}" for name, count in gone.items())
        console.print(f"cancelled      {counts}: their callers waited for no longer")
    known = [unit.energy_uj for unit in result.units if unit.energy_uj is not None]
    if result.energy_uj is not None:
        console.print(f"energy         {format_uj(result.energy_uj)}, {_power(outcome)}")
    elif known:
        console.print(f"energy         {format_uj(sum(known))} of the units whose power is known")
    else:
        console.print(f"energy         {UNKNOWN}")
    if result.nodes:
        hottest = max(result.nodes, key=lambda node: node.highest_c)
        console.print(f"temperature    {hottest.highest_c:.1f} C at most, {hottest.name}")
        _print_throttling(outcome, console)
    else:
        console.print(f"temperature    {UNKNOWN}")
    _print_score(outcome, console)
    _print_max_load(outcome, console)


def _print_throttling(outcome: "Outcome", console: Console) -> None:
    slowed = [unit for unit in outcome.result.units if unit.throttled_at_ns is not None]
    for unit in slowed:
        share = unit.throttled_ns / outcome.result.end_ns
        since = format_ns(unit.throttled_at_ns or 0)
        console.print(f"  {unit.name} throttled from {since} on, {share:.0%} of the time in all")
    if not slowed:
        console.print("  not throttled")


def _power(outcome: "Outcome") -> str:
    result = outcome.result
    watts = (result.energy_uj or 0) / 1e6 / (result.end_ns / 1e9)
    return f"{watts:.2f} W on average"


def _print_score(outcome: "Outcome", console: Console) -> None:
    score = outcome.scenario.workload.score
    if score is None or outcome.without_energy is None:
        return
    if outcome.xrbench_score is not None:
        console.print(f"XRBench score  {outcome.xrbench_score:.1f} of 100")
    else:
        console.print(f"XRBench score  {UNKNOWN}: it has an energy term")
    console.print(f"  latency and drop terms alone: {outcome.without_energy:.1f}")
    console.print(f"  k = {score.k_per_ms:g} per ms, Emax = {score.energy_max_mj} mJ")
    console.print(f"  {score.source}", soft_wrap=False)


def _print_max_load(outcome: "Outcome", console: Console) -> None:
    found = outcome.max_load
    if found is None:
        return
    if found.miss_rate is None:
        console.print(f"largest load   none: even {found.above:g} x is missed by more")
        return
    console.print(
        f"largest load   {found.scale:.3g} x, the worst app misses {found.miss_rate:.2%} there"
    )
    if found.above is not None:
        console.print(f"               {found.above:.3g} x is too much ({found.limit:.0%} allowed)")


_OF_UNIT = re.compile(r"(?P<what>.+) of unit (?P<unit>[^:]+)(?P<rest>.*)")


def _grouped(lines: Sequence[str]) -> list[str]:
    """What is said of several units, said once."""
    found: dict[tuple[str, str], list[str]] = {}
    for line in lines:
        match = _OF_UNIT.fullmatch(line)
        key = (line, "") if match is None else (match["what"], match["rest"])
        found.setdefault(key, []).extend([] if match is None else [match["unit"]])
    return [
        f"{what} of {', '.join(units)}{rest}" if units else what
        for (what, rest), units in found.items()
    ]


def _name(name: str) -> str:
    """Short enough that the numbers beside it fit."""
    return name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}…"


def _share(share: float | None) -> str:
    return "-" if share is None else f"{share:.1%}"
