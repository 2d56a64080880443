"""A long run at high load: does the runtime's memory stay flat, do descriptors or threads pile up?

    python benchmarks/soak.py [--minutes 30] [--load 0.9] [--apps NAME,...]

The six periodic apps of `open_loop.py`, their rates scaled so that two cores are busy by the load
given (from one-thread runs of each model alone). Resident memory, open descriptors and threads are
looked at every few seconds; printed are their course, the processor time that was really used, and
memory's growth after the first fifth of the time, by a line through the medians of ten stretches.

It fails (exit code 1) when there are more descriptors or threads at the end than after the warm-up
(but for two threads that start late),
or when memory grew by more than 2% of what it was. That much is a choice: allocators keep and
return some MiB of the several hundred that models and arenas take, and over half an hour, some
300,000 requests, it lets 30 bytes a request pass. tests/test_soak.py runs it for a shorter time.
"""

import argparse
import asyncio
import contextlib
import statistics
import sys
import time
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import psutil
from closed_loop import alone_s
from host_plans import whole
from open_loop import APPS, LONGEST_STAGE_NS, run_apps
from open_loop_peers import Inputs, Periodic, arrivals
from whole_model import session

import hetsched as hs
from hetsched.ir.model import Model
from hetsched.runtime import App
from hetsched.runtime.trial import fill_inputs

STRETCH_S = 20.0
"""Requests are prepared for so long at a time."""

EVERY_S = 5.0
"""So often is the process looked at; a hundred times in a shorter run."""

WARM_UP = 0.2
STRETCHES = 10
GROWTH = 0.02
LATE_THREADS = 2
"""The runtime's two alarms start when they are first set, which may be after the warm-up."""

CORES = 2


class Seen(NamedTuple):
    """The process at one time."""

    at_s: float
    rss_bytes: int
    descriptors: int
    threads: int
    processor_s: float


async def watch(seen: list[Seen], begin: float, every_s: float) -> None:
    process = psutil.Process()
    while True:
        seen.append(
            Seen(
                time.monotonic() - begin,
                process.memory_info().rss,
                process.num_fds(),
                process.num_threads(),
                time.process_time(),
            )
        )
        await asyncio.sleep(every_s)


async def soak(
    apps: Mapping[str, App],
    inputs: Mapping[str, Inputs],
    periodic: Sequence[Periodic],
    multiplier: float,
    seconds: float,
) -> tuple[list[Seen], float]:
    """What was seen, and the share of deadlines met."""
    seen: list[Seen] = []
    begin = time.monotonic()
    watcher = asyncio.create_task(watch(seen, begin, min(EVERY_S, seconds / 100)))
    stretch_s = min(STRETCH_S, seconds / STRETCHES)
    met = asked = 0
    while time.monotonic() - begin < seconds:
        times = {app.name: arrivals(app, multiplier, stretch_s, 0.5) for app in periodic}
        asked += sum(len(row) for row in times.values())
        met += sum((await run_apps(apps, inputs, times)).values())
    watcher.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await watcher
    return seen, met / asked


def stretches(seen: Sequence[Seen]) -> list[Seen]:
    """The medians of ten stretches after the warm-up."""
    rest = seen[round(len(seen) * WARM_UP) :]
    size = max(1, len(rest) // STRETCHES)
    parts = [rest[at : at + size] for at in range(0, len(rest) - size + 1, size)]
    return [
        Seen(*(statistics.median_low(row) for row in zip(*part, strict=True))) for part in parts
    ]


def growth(parts: Sequence[Seen]) -> float:
    """Bytes a second: the line through the stretches."""
    times, sizes = [one.at_s for one in parts], [one.rss_bytes for one in parts]
    return statistics.linear_regression(times, sizes).slope


def faults(seen: Sequence[Seen]) -> list[str]:
    """What has grown."""
    parts = stretches(seen)
    first, last = parts[0], parts[-1]
    found = [
        f"{what} grew from {before} to {after}"
        for what, before, after, more in (
            ("descriptors", first.descriptors, last.descriptors, 0),
            ("threads", first.threads, last.threads, LATE_THREADS),
        )
        if after > before + more
    ]
    grew_bytes = growth(parts) * (last.at_s - first.at_s)
    if grew_bytes > GROWTH * first.rss_bytes:
        found.append(
            f"memory grew by {grew_bytes / 2**20:.1f} MiB, more than {GROWTH:.0%} of "
            f"{first.rss_bytes / 2**20:.1f} MiB"
        )
    return found


def report(seen: Sequence[Seen], met: float) -> None:
    first, last = seen[0], seen[-1]
    used = (last.processor_s - first.processor_s) / (last.at_s - first.at_s) / CORES
    print(
        f"processor time: {used:.0%} of two cores; deadlines met: {met:.2%}, missed {1 - met:.2%}"
    )
    for number in range(11):
        one = seen[min(len(seen) - 1, round(number * (len(seen) - 1) / 10))]
        print(
            f"  {one.at_s:7.0f} s  {one.rss_bytes / 2**20:8.1f} MiB  "
            f"{one.descriptors} descriptors  {one.threads} threads"
        )
    slope = growth(stretches(seen)) * 3600 / 2**20
    print(f"memory after warm-up: {slope:+.2f} MiB an hour")


async def main(minutes: float, load: float, periodic: Sequence[Periodic]) -> int:
    models: dict[str, Model] = {app.name: hs.load(f"zoo:{app.name}") for app in periodic}
    inputs: dict[str, Inputs] = {n: fill_inputs(m.graph, {}, 0)[0] for n, m in models.items()}
    alone = {name: alone_s(session(model), dict(inputs[name])) for name, model in models.items()}
    multiplier = CORES * load / sum(app.rate_hz * alone[app.name] for app in periodic)
    print(f"load {load:.0%} of two cores: rates x{multiplier:.2f}, {minutes:g} minutes")
    async with hs.Runtime(hs.host_units()[:CORES], policy="edf") as runtime:
        apps = {}
        for app in periodic:
            plan = whole(models[app.name], LONGEST_STAGE_NS)
            apps[app.name] = await runtime.deploy(
                plan, name=app.name, model=models[app.name], deadline="1s", admission="backlog"
            )
        seen, met = await soak(apps, inputs, periodic, multiplier, minutes * 60)
        tallies = {name: app.tally for name, app in apps.items()}
    report(seen, met)
    for name, tally in tallies.items():
        print(f"  {name}: {tally}")
    found = faults(seen)
    print("; ".join(found) or "flat: no growth of memory, descriptors or threads")
    return 1 if found else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--load", type=float, default=0.9)
    parser.add_argument("--apps", default=",".join(app.name for app in APPS))
    given = parser.parse_args()
    names = given.apps.split(",")
    chosen = [app for app in APPS if app.name in names]
    if len(chosen) != len(names):
        parser.error(f"--apps {given.apps}: take some of {', '.join(app.name for app in APPS)}")
    sys.exit(asyncio.run(main(given.minutes, given.load, chosen)))
