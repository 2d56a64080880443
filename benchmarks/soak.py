"""A long run at high load: does the runtime's memory stay flat, do descriptors or threads pile up?

    python benchmarks/soak.py [--minutes 30] [--load 0.9]

The six periodic apps of `open_loop.py`, their rates scaled so that two cores are busy by the load
given (from one-thread runs of each model alone). Resident memory, open descriptors and threads are
looked at every few seconds; printed are their course, and memory's growth per hour after the first
fifth of the time, by a line through the medians of ten stretches.
"""

import argparse
import asyncio
import contextlib
import statistics
import time
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import psutil
from closed_loop import alone_s
from host_plans import whole
from open_loop import APPS, LONGEST_STAGE_NS, run_apps
from open_loop_peers import Inputs, arrivals
from run_overhead import session

import hetsched as hs
from hetsched.ir.model import Model
from hetsched.runtime import App
from hetsched.runtime.trial import fill_inputs

STRETCH_S = 20.0
"""Requests are prepared for so long at a time."""

EVERY_S = 5.0
WARM_UP = 0.2


class Seen(NamedTuple):
    """The process at one time."""

    at_s: float
    rss_bytes: int
    descriptors: int
    threads: int


async def watch(seen: list[Seen], begin: float) -> None:
    process = psutil.Process()
    while True:
        seen.append(
            Seen(
                time.monotonic() - begin,
                process.memory_info().rss,
                process.num_fds(),
                process.num_threads(),
            )
        )
        await asyncio.sleep(EVERY_S)


async def soak(
    apps: Mapping[str, App], inputs: Mapping[str, Inputs], multiplier: float, seconds: float
) -> tuple[list[Seen], float]:
    """What was seen, and the share of deadlines met."""
    seen: list[Seen] = []
    begin = time.monotonic()
    watcher = asyncio.create_task(watch(seen, begin))
    met = asked = 0
    while time.monotonic() - begin < seconds:
        times = {app.name: arrivals(app, multiplier, STRETCH_S, 0.5) for app in APPS}
        asked += sum(len(row) for row in times.values())
        met += sum((await run_apps(apps, inputs, times)).values())
    watcher.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await watcher
    return seen, met / asked


def growth(seen: Sequence[Seen]) -> float:
    """Bytes an hour: the line through the medians of ten stretches after the warm-up."""
    rest = seen[round(len(seen) * WARM_UP) :]
    size = max(1, len(rest) // 10)
    parts = [rest[at : at + size] for at in range(0, len(rest) - size + 1, size)]
    times = [statistics.median(one.at_s for one in part) for part in parts]
    sizes = [statistics.median(one.rss_bytes for one in part) for part in parts]
    return statistics.linear_regression(times, sizes).slope * 3600


def report(seen: Sequence[Seen], met: float) -> None:
    print(f"deadlines met: {met:.2%}")
    for number in range(11):
        one = seen[min(len(seen) - 1, round(number * (len(seen) - 1) / 10))]
        print(
            f"  {one.at_s:7.0f} s  {one.rss_bytes / 2**20:8.1f} MiB  "
            f"{one.descriptors} descriptors  {one.threads} threads"
        )
    print(f"memory after warm-up: {growth(seen) / 2**20:+.2f} MiB an hour")


async def main(minutes: float, load: float) -> None:
    models: dict[str, Model] = {app.name: hs.load(f"zoo:{app.name}") for app in APPS}
    inputs: dict[str, Inputs] = {n: fill_inputs(m.graph, {}, 0)[0] for n, m in models.items()}
    alone = {name: alone_s(session(model), dict(inputs[name])) for name, model in models.items()}
    multiplier = 2 * load / sum(app.rate_hz * alone[app.name] for app in APPS)
    print(f"load {load:.0%} of two cores: rates x{multiplier:.2f}, {minutes:g} minutes")
    async with hs.Runtime(hs.host_units()[:2], policy="edf") as runtime:
        apps = {}
        for app in APPS:
            plan = whole(models[app.name], LONGEST_STAGE_NS)
            apps[app.name] = await runtime.deploy(
                plan, name=app.name, model=models[app.name], deadline="1s", admission="backlog"
            )
        seen, met = await soak(apps, inputs, multiplier, minutes * 60)
        tallies = {name: app.tally for name, app in apps.items()}
    report(seen, met)
    for name, tally in tallies.items():
        print(f"  {name}: {tally}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--load", type=float, default=0.9)
    given = parser.parse_args()
    asyncio.run(main(given.minutes, given.load))
