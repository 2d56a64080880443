"""Verdicts on a model as text for an 80-column terminal."""

import re
import textwrap
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from hetsched.convert.check import Blocker, Verdict

WIDTH = 80
_ROW = "{:<14} {:<17} {:>5} {:>6} {:>7}  {}"
_NOTE_WIDTH = WIDTH - len(_ROW.format("", "", "", "", "", ""))
_BLOCKER = "{:>5}  {:<20} {:<8}  {}"
_WHY_INDENT = " " * len(_BLOCKER.format("", "", "", ""))
_UNKNOWN = "unknown"
_SCENARIOS = {
    1: "1: replace it by supported ops; hetsched convert tries the rules",
    2: "2: replace it by other layers, with new or refitted parameters",
    3: "3: cut it off, with all beyond it; the host does that before or after",
    4: "4: implement it as a custom op, or run it on the host in between",
}


def matrix_lines(verdicts: Sequence[Verdict]) -> Iterator[str]:
    """One line for each backend, a framework's name just once; or one for each unit."""
    units = any(verdict.unit for verdict in verdicts)
    head = ("unit", "ops of") if units else ("framework", "backend")
    yield _ROW.format(*head, "runs", "blocks", _UNKNOWN, "converted to; what blocks").rstrip()
    before = ""
    for verdict in verdicts:
        first = verdict.unit or verdict.framework
        second = f"{verdict.framework} {verdict.backend}" if units else verdict.backend
        counts = (verdict.runs, verdict.blocked, verdict.unknown)
        shown = "" if first == before else first
        note = _fitted(list(_notes(verdict)), _NOTE_WIDTH)
        yield _ROW.format(shown, _short(second, 17), *counts, note).rstrip()
        before = first


def _notes(verdict: Verdict) -> Iterator[str]:
    if verdict.dtype is not None:
        yield f"{verdict.dtype};" if verdict.blocking else verdict.dtype
    yield from (f"{op_type} {count}" for op_type, count in verdict.blocking.items())


def _fitted(words: list[str], width: int) -> str:
    """As many as fit, with `...` for the others."""
    for count in range(len(words), 0, -1):
        text = ", ".join(words[:count]).replace(";,", ";")
        text += "" if count == len(words) else " ..."
        if len(text) <= width:
            return text
    return _short(words[0], width) if words else ""


def _end(name: str, width: int) -> str:
    """The name's end: that is where generated names differ."""
    return name if len(name) <= width else f"…{name[1 - width :]}"


def _short(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 3]}..."


def summary(verdict: Verdict, model: str, where: str) -> str:
    """How many ops run, block and are unknown, in words."""
    text = (
        f"{model} on {where}: {verdict.runs} of {verdict.ops} ops run, "
        f"{verdict.blocked} block, {verdict.unknown} unknown"
    )
    if verdict.dtype is None:
        return text
    return f"{text}. Floats count as converted to {verdict.dtype}; accuracy isn't checked."


def common_summary(
    blockers: Sequence[Blocker], ops: int, model: str, where: str, units: bool
) -> str:
    """How many ops run nowhere, or nobody knows where, in words."""
    places = "unit" if units else "backend"
    if not blockers:
        return f"{model} on {where}: each of {ops} ops runs on some {places}"
    unknown = sum(blocker.kind == "unknown" for blocker in blockers)
    return (
        f"{model} on {where}: of {ops} ops, {len(blockers) - unknown} block on every {places}, "
        f"{unknown} more are not known to run on any"
    )


def paragraph(text: str) -> list[str]:
    """Wrapped."""
    return textwrap.wrap(text, WIDTH, break_on_hyphens=False)


def blocker_lines(blockers: Iterable[Blocker]) -> Iterator[str]:
    """Ops that don't run, alike ones together: how many, which scenario helps, why they don't."""
    groups = grouped(blockers)
    if not groups:
        return
    yield _BLOCKER.format("count", "op", "scenario", "why; what helps; an example")
    for count, first in groups:
        scenario = _UNKNOWN if first.kind == "unknown" else first.scenario or "none"
        remedy = f"{first.remedy};" if first.remedy else ""
        cost = f", whose cost is {first.cost}" if first.cost else ""
        words = [f"{first.reason};", remedy, f"as {_end(first.op, 30)}{cost}"]
        why = textwrap.wrap(
            " ".join(filter(None, words)), WIDTH - len(_WHY_INDENT), break_on_hyphens=False
        )
        yield _BLOCKER.format(count, _short(first.op_type, 20), scenario, why[0]).rstrip()
        yield from (_WHY_INDENT + line for line in why[1:])
    yield from _legend(groups)


def _legend(groups: Sequence[tuple[int, Blocker]]) -> Iterator[str]:
    used = {first.scenario for _, first in groups}
    if used & _SCENARIOS.keys() or any(first.kind == "unknown" for _, first in groups):
        yield ""
    for scenario, words in _SCENARIOS.items():
        if scenario in used:
            yield f"Scenario {words}."
    if any(first.kind == "unknown" for _, first in groups):
        yield from paragraph(
            "Unknown: the table is incomplete, or it names a condition that isn't checked. Plans "
            "keep such ops off the unit."
        )


def grouped(blockers: Iterable[Blocker]) -> list[tuple[int, Blocker]]:
    """Blockers that differ in names of ops and tensors only count as one; most frequent first.

    What nothing helps, a unit out of the framework's reach, has the same reason for every op type.
    """
    firsts: dict[Blocker, Blocker] = {}
    counts: Counter[Blocker] = Counter()
    for blocker in blockers:
        is_helpless = blocker.scenario is None and blocker.kind != "unknown"
        shown = replace(blocker, op_type="(any)") if is_helpless else blocker
        key = replace(shown, op="", cost="", reason=re.sub(r"'[^']*'", "''", blocker.reason))
        firsts.setdefault(key, shown)
        counts[key] += 1
    return [(count, firsts[key]) for key, count in counts.most_common()]
