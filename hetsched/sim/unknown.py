"""Which effects are left out because their numbers aren't known: said, never invented."""

from collections.abc import Iterator, Sequence

from hetsched.sim.model import SimApp
from hetsched.sim.soc import SimSoc


def unknown(apps: Sequence[SimApp], soc: SimSoc, *, contention: bool = True) -> tuple[str, ...]:
    """In words, one effect a line."""
    return tuple(dict.fromkeys(_unknown(apps, soc, contention)))


def _unknown(apps: Sequence[SimApp], soc: SimSoc, contention: bool) -> Iterator[str]:
    used = {unit for app in apps for node in app.nodes for unit, _ in node.units}
    if not contention:
        yield "memory bandwidth: contention was switched off"
    elif soc.memory_bytes_per_s is None and len(used) > 1:
        yield "memory bandwidth: what all units together get isn't known, so nobody is slowed down"
    elif len(used) > 1:
        for app in apps:
            if not _traffic_known(app):
                yield f"memory traffic of app {app.name}: it counts as none"
    if soc.thermal is None:
        yield "thermal: no heat capacities and conductances are known, so nothing is throttled"
    for index, unit in enumerate(soc.units):
        if index not in used:
            continue
        if unit.power_mw is None and not any(level.power_mw for level in unit.levels):
            yield f"power of unit {unit.name}"
        if unit.idle_mw is None:
            yield f"idle power of unit {unit.name}: it counts as 0"
        if unit.wake_ns is None:
            yield f"waking of unit {unit.name}: it counts as 0"
    for app in apps:
        yield from app.uncounted


def _traffic_known(app: SimApp) -> bool:
    return bool(app.works) and all(
        work.dram_bytes is not None for works in app.works for work in works
    )


def powers_known(app: SimApp, soc: SimSoc) -> bool:
    """Whether each stage's power is known wherever it may run."""
    return all(
        app.work(stage, choice).power_mw is not None or unit_power_known(soc, unit)
        for stage, node in enumerate(app.nodes)
        for choice, (unit, _) in enumerate(node.units)
    )


def unit_power_known(soc: SimSoc, unit: int) -> bool:
    """Whether what a unit draws while it runs a stage is known."""
    found = soc.units[unit]
    return found.power_mw is not None or (
        bool(found.levels) and all(level.power_mw is not None for level in found.levels)
    )
