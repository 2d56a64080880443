"""Clocks, sleep, heat and power modes of a profile, as text."""

import textwrap
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hetsched.soc.figure import Figure
    from hetsched.soc.heat import Thermal
    from hetsched.soc.power import Idle, Levels, Mode
    from hetsched.soc.profile import Profile

_WIDTH = 80
_ROW = "  {:<22} {}"


def levels(found: "Levels | None", sources: bool) -> Iterator[str]:
    """A unit's clocks with their power."""
    if found is None:
        yield _ROW.format("clocks", "unknown")
        return
    steps = [f"{mhz:g}" for mhz in found.mhz]
    if found.mw:
        steps = [f"{step} ({mw:g} mW)" for step, mw in zip(steps, found.mw, strict=True)]
    text = f"{', '.join(steps)} MHz, {found.origin.value}"
    head, *rest = textwrap.wrap(text, _WIDTH - 25)
    yield _ROW.format("clocks", head)
    yield from (" " * 25 + line for line in rest)
    if sources:
        yield from _source(found.source)


def idle(found: "Idle | None", sources: bool) -> Iterator[str]:
    """What waking a unit costs."""
    wake = found.wake if found is not None else None
    keep = found.keep if found is not None else None
    text = "cost unknown" if wake is None else f"{wake.text} {wake.band}, {wake.origin.value}"
    if keep is not None:
        text += f"; awake for {keep.text} after a stage"
    if found is not None and found.power is not None:
        text += f"; {found.power.text} idle"
    if found is not None and found.sleep is not None:
        text += f"; {found.sleep.text} asleep"
    yield _ROW.format("waking it up", text)
    if sources:
        for figure in (wake, keep):
            if figure is not None:
                yield from _source(figure.source)


def heat(soc: "Profile", sources: bool) -> Iterator[str]:
    """Heat and power modes of the board."""
    yield ""
    found = soc.thermal
    yield "heat:" if found is not None else "heat: unknown"
    if found is not None:
        for label, figure in (
            ("sustained power", found.sustained),
            ("board, idle", found.idle),
            ("board, all cores", found.stress),
        ):
            text = "unknown"
            if figure is not None:
                text = f"{figure.text:<16} {figure.origin.value:<11} {figure.band}".rstrip()
            yield _ROW.format(label, text)
            if sources and figure is not None:
                yield from _source(figure.source)
        yield from _network(found, sources)
        for note in found.notes:
            yield from textwrap.wrap(note, _WIDTH, initial_indent="  ", subsequent_indent="  ")
    for mode in soc.modes:
        yield from _mode(mode, sources)


def _network(found: "Thermal", sources: bool) -> Iterator[str]:
    if not found.nodes:
        yield _ROW.format("heat network", "unknown: temperatures aren't simulated")
        return
    yield from _figure("when nothing runs", found.rest, sources)
    for node in found.nodes:
        by = f", heated by {', '.join(node.units)}" if node.units else ""
        text = f"node {node.name}: {node.capacity.text}, {node.resistance.text} to {node.to}{by}"
        yield f"  {text} ({node.resistance.origin.value} {node.resistance.band})"
        if sources:
            yield from _source(node.resistance.source)
    for zone in found.zones:
        yield f"  {', '.join(zone.units)} throttled from {zone.trip.text} of {zone.node} on"
        if sources:
            yield from _source(zone.trip.source)


def _figure(label: str, figure: "Figure | None", sources: bool) -> Iterator[str]:
    if figure is None:
        return
    text = f"{figure.text:<16} {figure.origin.value:<11} {figure.band}".rstrip()
    yield _ROW.format(label, text)
    if sources:
        yield from _source(figure.source)


def _mode(mode: "Mode", sources: bool) -> Iterator[str]:
    slower = ", ".join(f"{unit} {factor:g} x" for unit, factor in mode.slowdown.items())
    power = "power unknown" if mode.power is None else mode.power.text
    text = f"mode {mode.name}: {power}; time of {slower or 'units unknown'}"
    yield from textwrap.wrap(text, _WIDTH, initial_indent="  ", subsequent_indent="    ")
    if sources:
        yield from _source(mode.source)


def _source(text: str) -> Iterator[str]:
    indent = " " * 6
    yield from textwrap.wrap(text, _WIDTH, initial_indent=indent, subsequent_indent=indent)
