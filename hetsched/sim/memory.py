"""Whether apps fit into memory together, while each is there."""

from collections.abc import Sequence

from hetsched.quantity import format_bytes
from hetsched.sim.model import SimApp
from hetsched.sim.refuse import refuse_unless
from hetsched.sim.soc import SimSoc

ALL = ""
"""What the memory of all units together is called in `peaks`."""


def peaks(apps: Sequence[SimApp], soc: SimSoc, duration_ns: int) -> dict[str, int]:
    """Most bytes that apps hold at once, per unit's name, and under `ALL` on all together."""
    events: list[tuple[int, int, str, int]] = []
    for app in apps:
        held = [(soc.units[unit].name, nbytes) for unit, nbytes in app.memory_bytes]
        held.append((ALL, sum(nbytes for _, nbytes in app.memory_bytes)))
        for start, stop in app.active or ((0, None),):
            end = duration_ns if stop is None else stop
            for name, nbytes in held:
                events += [(start, 1, name, nbytes), (end, 0, name, -nbytes)]
    live = dict.fromkeys([ALL, *(unit.name for unit in soc.units)], 0)
    most = dict(live)
    for time, _, name, change in sorted(events):
        if time >= duration_ns and change > 0:
            continue
        live[name] += change
        most[name] = max(most[name], live[name])
    return most


def check_memory(apps: Sequence[SimApp], soc: SimSoc, duration_ns: int) -> dict[str, int]:
    """`peaks`, when they fit.

    Raises:
        SimError: naming the unit, what apps need and what it has.
    """
    found = peaks(apps, soc, duration_ns)
    for unit in soc.units:
        has = unit.memory_bytes
        fits = has is None or found[unit.name] <= has
        refuse_unless(
            fits,
            f"unit {unit.name!r}: apps need {format_bytes(found[unit.name])} at once, "
            f"it has {format_bytes(has or 0)}; {_largest(apps, soc, unit.name)}",
        )
    has = soc.memory_bytes
    fits = has is None or found[ALL] <= has
    refuse_unless(
        fits,
        f"{soc.name}: apps need {format_bytes(found[ALL])} at once on all units, it has "
        f"{format_bytes(has or 0)}; {_largest(apps, soc, None)}",
    )
    return found


def _largest(apps: Sequence[SimApp], soc: SimSoc, unit: str | None) -> str:
    needs = {
        app.name: sum(
            nbytes
            for index, nbytes in app.memory_bytes
            if unit is None or soc.units[index].name == unit
        )
        for app in apps
    }
    name = max(needs, key=lambda each: needs[each])
    return f"the largest is app {name!r} with {format_bytes(needs[name])}"
