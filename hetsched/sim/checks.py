"""What can't be simulated is refused before anything starts: the app and the value are named."""

from collections.abc import Sequence
from itertools import pairwise
from math import isfinite

from hetsched.sim.model import LONGEST_NS, SimApp
from hetsched.sim.refuse import refuse_unless
from hetsched.sim.soc import SimSoc


def check(apps: Sequence[SimApp], soc: SimSoc, duration_ns: int) -> None:
    """See that apps fit the SoC and each other.

    Raises:
        SimError: naming the app and what is wrong.
    """
    fits = 0 < duration_ns <= LONGEST_NS
    refuse_unless(fits, f"duration is {duration_ns} ns: give 1 to {LONGEST_NS}")
    refuse_unless(bool(apps), "there is no app to simulate")
    names = [app.name for app in apps]
    twice = sorted({name for name in names if names.count(name) > 1}) if len(names) < 5000 else []
    refuse_unless(len(set(names)) == len(names), f"two apps have one name: {', '.join(twice)}")
    for app in apps:
        where = f"app {app.name!r}: "
        _check_times(app, where)
        _check_stages(app, soc, where)
        for unit, nbytes in app.memory_bytes:
            fits = 0 <= unit < len(soc.units) and nbytes >= 0
            refuse_unless(fits, f"{where}memory of unit {unit} is {nbytes} bytes")
    _check_cascades(apps, set(names))


def _check_times(app: SimApp, where: str) -> None:
    timeout = app.timeout_ns
    fits = timeout is None or 0 < timeout <= LONGEST_NS
    refuse_unless(fits, f"{where}timeout is {timeout} ns: give 1 to {LONGEST_NS}")
    for _, factor in app.load:
        fits = isfinite(factor) and 0 <= factor <= 1e6
        refuse_unless(fits, f"{where}load factor is {factor:g}: give 0 to a million")
    times = [time for time, _ in app.load]
    rises = all(a < b for a, b in pairwise([-1, *times]))
    refuse_unless(rises, f"{where}times of load changes must rise: {times}")
    ends = [time for span in app.active for time in span]
    known = [time for time in ends if time is not None]
    is_last = None not in ends[:-1]
    rises = is_last and all(a < b for a, b in pairwise([-1, *known]))
    refuse_unless(rises, f"{where}active spans must rise and not overlap: {app.active}")


def _check_stages(app: SimApp, soc: SimSoc, where: str) -> None:
    count = len(app.nodes)
    fits = len(app.works) in (0, count) and len(app.variations) in (0, count)
    refuse_unless(fits, f"{where}works and variations are given per stage, of which it has {count}")
    for stage, node in enumerate(app.nodes):
        at = f"{where}stage {stage}: "
        if app.works:
            fits = len(app.works[stage]) == len(node.units)
            refuse_unless(fits, f"{at}{len(app.works[stage])} works for {len(node.units)} units")
        for choice, (unit, expected) in enumerate(node.units):
            fits = 0 <= unit < len(soc.units)
            refuse_unless(fits, f"{at}there is no unit {unit}: there are {len(soc.units)}")
            _check_work(app, soc, stage, choice, expected, at)


def _check_work(
    app: SimApp, soc: SimSoc, stage: int, choice: int, expected: int, where: str
) -> None:
    refuse_unless(
        0 <= expected <= LONGEST_NS, f"{where}takes {expected} ns: give 0 to {LONGEST_NS}"
    )
    work = app.work(stage, choice)
    for use in work.transfers:
        fits = 0 <= use.link < len(soc.links)
        refuse_unless(fits, f"{where}there is no link {use.link}: there are {len(soc.links)}")
    whole = expected if work.time_ns is None else work.time_ns
    before = work.dispatch_ns + sum(
        use.fixed_ns + soc.links[use.link].shared_ns(use.nbytes) for use in work.transfers
    )
    refuse_unless(
        before <= whole <= LONGEST_NS,
        f"{where}dispatch and transfers take {before} ns of the {whole} ns of the whole",
    )
    fits = not work.dram_bytes or work.traffic_ns is None or work.traffic_ns > 0
    refuse_unless(
        fits, f"{where}traffic_ns is 0 for {work.dram_bytes} bytes: give the time they take"
    )


def _check_cascades(apps: Sequence[SimApp], names: set[str]) -> None:
    after = {app.name: [trigger.after for trigger in app.triggers] for app in apps}
    for app in apps:
        for parent in after[app.name]:
            refuse_unless(
                parent in names,
                f"app {app.name!r} is triggered by {parent!r}, which isn't there: "
                f"apps are {', '.join(sorted(names)[:20])}",
            )
    done: set[str] = set()
    for app in apps:
        _walk(app.name, after, [], done)


def _walk(name: str, after: dict[str, list[str]], path: list[str], done: set[str]) -> None:
    """Follow a cascade to its beginnings; what was met on the way mustn't come again."""
    if name in done:
        return
    if name in path:
        cycle = " after ".join([*path[path.index(name) :], name])
        refuse_unless(False, f"a cascade goes in a circle: {cycle}")
    for parent in after[name]:
        _walk(parent, after, [*path, name], done)
    done.add(name)
