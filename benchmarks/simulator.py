"""The simulator against an equivalent SimPy model of the same workload, in one run.

    python benchmarks/simulator.py [--quick]

1. Five apps on three units, contention off and on: whether both models end the same requests at the
   same times, and the CPU time that they take. The SimPy model is what one would write: a process
   per request and a resource per unit with the deadline as priority; with contention on, a process
   is interrupted when its rate changes.
2. Stages per second on one core with contention on.
3. Time per event from 10^4 to 10^7 requests, and with 1 to 1,000 apps.
4. Memory of 10^7 requests.
"""

import argparse
import resource
import subprocess
import sys
from collections.abc import Generator
from dataclasses import dataclass
from math import ceil
from time import process_time
from typing import Any

import simpy

from hetsched.dispatch import StageNode, Terms
from hetsched.sim import (
    Periodic,
    Poisson,
    SimApp,
    SimResult,
    SimSoc,
    SimUnit,
    StageWork,
    simulate,
)

MS = 1_000_000
UNITS = 3
BANDWIDTH = 10e9
"""Bytes per second."""

PERIODS = (10, 16, 20, 33, 50)
"""Of the apps, in ms. Deadlines are twice as long."""

STAGES = (
    ((0, 1.7), (1, 2.3)),
    ((1, 2.9), (2, 2.1)),
    ((2, 3.7), (0, 1.3)),
    ((0, 3.1), (2, 7.3)),
    ((1, 9.7), (0, 2.9), (2, 5.3)),
)
"""Per app a chain of (unit, ms): each unit is busy for 51 to 82% of the time."""

ASKED = (0.35, 0.55, 0.75)
"""Share of the bandwidth that a stage asks for, per unit; half of its time is traffic."""


def stage_ns(ms: float) -> int:
    """Not round: models break ties differently, so hardly ever two things are to happen at once."""
    return round(ms * MS) + round(ms * 1e4) % 977


def apps() -> list[SimApp]:
    """The five apps for the simulator."""
    return [
        SimApp(
            name=f"a{number}",
            nodes=tuple(
                StageNode(units=((unit, stage_ns(ms)),), after=(index - 1,) if index else ())
                for index, (unit, ms) in enumerate(chain)
            ),
            works=tuple((work(unit, stage_ns(ms)),) for unit, ms in chain),
            arrivals=Periodic(rate=1000 / period, phase_ns=number * 137_911),
            terms=Terms(deadline_ns=2 * period * MS, late="run"),
        )
        for number, (period, chain) in enumerate(zip(PERIODS, STAGES, strict=True))
    ]


def work(unit: int, ns: int) -> StageWork:
    """Traffic of a stage."""
    return StageWork(dram_bytes=ASKED[unit] * BANDWIDTH * ns / 1e9, traffic_ns=ns / 2)


SOC = SimSoc(
    units=tuple(SimUnit(name=f"u{unit}") for unit in range(UNITS)), memory_bytes_per_s=BANDWIDTH
)


# ---------------------------------------------------------------- the same in SimPy


class Model:
    """Five apps on three units in SimPy, as its guide would have it; times are integers of ns."""

    def __init__(self, duration_ns: int, *, contention: bool) -> None:
        self.env = simpy.Environment()
        self.duration = duration_ns
        self.contention = contention
        self.units = [simpy.PriorityResource(self.env) for _ in range(UNITS)]
        self.ends: list[tuple[int, int, int]] = []  # (app, arrival, end)
        self.numbers = 0
        self.stages = 0
        self.running: dict[int, Any] = {}  # unit to the process that computes on it
        for app in range(len(PERIODS)):
            self.env.process(self.source(app))

    def run(self) -> "Model":
        """Until the end."""
        self.env.run(until=self.duration + 1)
        return self

    def source(self, app: int) -> Generator[Any, Any, None]:
        """An app's requests."""
        interval, count = 1e9 / (1000 / PERIODS[app]), 0
        while True:
            at = int(app * 137_911 + count * interval + 0.5)
            if at >= self.duration:
                return
            yield self.env.timeout(at - self.env.now)
            self.env.process(self.request(app, self.numbers))
            self.numbers += 1
            count += 1

    def request(self, app: int, number: int) -> Generator[Any, Any, None]:
        """One request, stage after stage: the earliest deadline first, then the older request."""
        arrival = int(self.env.now)
        deadline = arrival + 2 * PERIODS[app] * MS
        for unit, ms in STAGES[app]:
            order: Any = (deadline, number)  # declared an int; anything that compares will do
            with self.units[unit].request(priority=order) as turn:
                yield turn
                if self.contention:
                    yield from self.compute(unit, stage_ns(ms))
                else:
                    yield self.env.timeout(stage_ns(ms))
            self.stages += 1
        self.ends.append((app, arrival, int(self.env.now)))

    def compute(self, unit: int, ns: int) -> Generator[Any, Any, None]:
        """A stage at rates that change when others start or end."""
        left = float(ns)
        self.running[unit] = self.env.active_process
        self.tell(unit)
        while True:
            rate, since = self.rate(), int(self.env.now)
            try:
                yield self.env.timeout(ceil(left / rate))
                break
            except simpy.Interrupt:
                left = max(left - (int(self.env.now) - since) * rate, 0.0)
        del self.running[unit]
        self.tell(unit)

    def tell(self, unit: int) -> None:
        """Others' rates have changed."""
        for other, process in self.running.items():
            if other != unit:
                process.interrupt()

    def rate(self) -> float:
        """1 / (1/2 + f/2) with f such that all get together what there is."""
        asked = sum(ASKED[unit] for unit in self.running)
        factor = 2 * asked - 1 if asked > 1 else 1.0
        return 1 / (0.5 + 0.5 * factor)


# ---------------------------------------------------------------- what is measured


def ends_of(result: SimResult) -> dict[tuple[int, int], int]:
    """(app, arrival) to the end of each request that has one."""
    found = result.requests
    assert found is not None
    keys = zip(found["app"].tolist(), found["arrival_ns"].tolist(), strict=True)
    return dict(zip(keys, found["end_ns"].tolist(), strict=True))


@dataclass(frozen=True, kw_only=True)
class Compared:
    """One comparison."""

    ratio: float
    text: str


def compare(seconds: int, *, contention: bool) -> Compared:
    """Ours and SimPy's: whether they agree, and how much faster ours is, by CPU time."""
    duration_ns = seconds * 10**9
    kept = simulate(apps(), SOC, duration_ns=duration_ns, contention=contention, keep_requests=True)
    began = process_time()
    plain = simulate(apps(), SOC, duration_ns=duration_ns, contention=contention)
    ours_s = process_time() - began
    began = process_time()
    model = Model(duration_ns, contention=contention).run()
    theirs_s = process_time() - began
    ours = ends_of(kept)
    theirs = {(app, arrival): end for app, arrival, end in model.ends}
    apart = [abs(ours[key] - end) for key, end in theirs.items() if key in ours]
    same = sum(each == 0 for each in apart)
    text = (
        f"contention {'on ' if contention else 'off'}: {plain.stages:,} stages; SimPy "
        f"{theirs_s:.2f} s ({model.stages / theirs_s:,.0f} stages/s), hetsched {ours_s:.3f} s "
        f"({plain.stages / ours_s:,.0f} stages/s): {theirs_s / ours_s:.0f} times as fast\n"
        f"    {same:,} of {len(theirs):,} requests end at the same ns, the others at most "
        f"{max(apart):,} ns apart; {len(ours)} and {len(theirs)} ended"
    )
    return Compared(ratio=theirs_s / ours_s, text=text)


def many(count: int, requests: int) -> SimResult:
    """So many apps of one stage, together at 60% of two units, in Poisson streams."""
    rate = 1.2 / 0.001 / count
    made = [
        SimApp(
            name=f"a{number}",
            nodes=(StageNode(units=((number % 2, MS),), after=()),),
            arrivals=Poisson(rate=rate),
            terms=Terms(deadline_ns=20 * MS),
        )
        for number in range(count)
    ]
    soc = SimSoc(units=(SimUnit(name="u0"), SimUnit(name="u1")))
    return simulate(made, soc, duration_ns=round(requests / 1200 * 1e9))


def per_event_ns(result: SimResult) -> float:
    """Wall time."""
    return result.wall_s / result.events * 1e9


def growth(largest: int) -> None:
    """Cost per event against the number of requests and of apps."""
    requests = 10_000
    while requests <= largest:
        best = min((many(10, requests) for _ in range(3)), key=lambda each: each.wall_s)
        print(f"{requests:>10,} requests of 10 apps: {per_event_ns(best):.0f} ns per event")
        requests *= 10
    for count in (1, 10, 100, 1000):
        best = min((many(count, 500_000) for _ in range(3)), key=lambda each: each.wall_s)
        print(f"{count:>10,} apps, 500,000 requests: {per_event_ns(best):.0f} ns per event")


def memory(requests: int) -> None:
    """Peak memory of a process that simulates so many requests."""
    code = (
        "import sys; sys.path.insert(0, 'benchmarks'); import simulator, resource; "
        f"r = simulator.many(10, {requests}); "
        "print(sum(a.requests for a in r.apps), "
        "resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    count, mib = out.stdout.split()
    print(f"{int(count):,} requests: {float(mib):.0f} MiB at most, with Python and NumPy")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a tenth of everything")
    scale = 10 if parser.parse_args().quick else 1
    for contention, target in ((False, 50), (True, 20)):
        rounds = [compare(200 // scale, contention=contention) for _ in range(5)]
        middle = sorted(rounds, key=lambda each: each.ratio)[2]
        print(middle.text)
        print(f"    median of 5 rounds: {middle.ratio:.0f} times as fast (target {target})")
    busy = max(
        (simulate(apps(), SOC, duration_ns=2000 // scale * 10**9) for _ in range(3)),
        key=lambda each: each.stages / each.wall_s,
    )
    print(
        f"contention on: {busy.stages:,} stages in {busy.wall_s:.2f} s on one core: "
        f"{busy.stages / busy.wall_s / 1e6:.2f} M stages/s (target 1)"
    )
    growth(10_000_000 // scale)
    memory(10_000_000 // scale)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"this process: {peak:.0f} MiB at most")


if __name__ == "__main__":
    main()
