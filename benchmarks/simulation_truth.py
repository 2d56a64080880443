"""A workload on this machine against its simulation: missed deadlines and latencies, app by app.

    python benchmarks/simulation_truth.py [--rounds 5] [--seconds 8] [--loads 0.3,0.6,0.9]

Five periodic apps (deadline = period) run in the runtime on two cores by policy `edf`. First all
of them run at the first load for a while: how long their stages take there, beside each other, is
what the simulation is fed with, as a median and its quantiles; so is what a request takes beyond
its stages while nothing else runs, for its hand-offs. Then, load by load, the runtime runs and the
simulator gets the very same arrivals, in each round with other phases.

Printed are, per app, the share missed and the 95th percentile of latencies, real and simulated, the
medians over the rounds; and the typical difference of two real rounds. Goals: 2 points of the share
and 10% of the percentile up to 90% load, or twice that difference where it is larger.
"""

import argparse
import asyncio
import random
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import TypeAlias

import numpy as np
from closed_loop import alone_s
from host_plans import whole
from open_loop_peers import Inputs, Periodic, arrivals
from run_overhead import session

import hetsched as hs
from hetsched.dispatch import StageNode, Terms
from hetsched.errors import DroppedError
from hetsched.ir.model import Model
from hetsched.runtime import App
from hetsched.runtime.trial import fill_inputs
from hetsched.sim.arrivals import Replay
from hetsched.sim.model import SimApp, Variation
from hetsched.sim.simulate import simulate
from hetsched.sim.soc import SimSoc, SimUnit

APPS = (
    Periodic(name="silero-vad", rate_hz=31.25),
    Periodic(name="ppocr-cls", rate_hz=30),
    Periodic(name="squeezenet", rate_hz=15),
    Periodic(name="shufflenet", rate_hz=10),
    Periodic(name="ppocr-rec", rate_hz=5),
)
LONGEST_STAGE_NS = 10_000_000
QUANTILES = np.linspace(0, 1, 41)
ALONE_RUNS = 60
GOAL_MISSED, GOAL_P95 = 0.02, 0.10


@dataclass(slots=True)
class Seen:
    """What one app did in one run."""

    missed: float
    p95_ns: float


Round: TypeAlias = dict[str, Seen]


@dataclass(slots=True)
class Times:
    """What an app's requests took, in ns: each stage's times, and what hand-offs took beyond."""

    stages: list[list[int]]
    beyond: list[int] = field(default_factory=list)


async def run_real(
    apps: Mapping[str, App],
    inputs: Mapping[str, Inputs],
    times: Mapping[str, Sequence[float]],
    record: Mapping[str, Times] | None = None,
) -> dict[str, Seen]:
    loop = asyncio.get_running_loop()
    latencies: dict[str, list[float]] = {name: [] for name in apps}
    met = dict.fromkeys(apps, 0)
    start = loop.time() + 0.05

    async def ask(name: str, deadline_ns: int) -> None:
        try:
            result = await apps[name].request(inputs[name], deadline=deadline_ns)
        except DroppedError:
            return
        latencies[name].append(result.latency_ns)
        met[name] += result.status == "completed"
        if record is not None:
            for row, stage in zip(record[name].stages, result.stages, strict=True):
                row.append(stage.duration_ns)

    async def source(name: str, row: Sequence[float]) -> None:
        deadline_ns = round((row[1] - row[0]) * 1e9)
        async with asyncio.TaskGroup() as group:
            for moment in row:
                await asyncio.sleep(start + moment - loop.time())
                group.create_task(ask(name, deadline_ns))

    async with asyncio.TaskGroup() as group:
        for name, row in times.items():
            group.create_task(source(name, row))
    return {name: seen(latencies[name], met[name], len(row)) for name, row in times.items()}


def seen(latencies: Sequence[float], met: int, asked: int) -> Seen:
    p95 = float(np.quantile(latencies, 0.95)) if latencies else float("nan")
    return Seen(missed=1 - met / asked, p95_ns=p95)


async def alone(app: App, inputs: Inputs, times: Times) -> None:
    """What requests take beyond their stages while nothing else runs."""
    for _ in range(ALONE_RUNS):
        result = await app.request(inputs, deadline="10s")
        times.beyond.append(result.latency_ns - sum(s.duration_ns for s in result.stages))
        await asyncio.sleep(0.002)


def simulated_app(app: App, times: Times) -> SimApp:
    """The app's stages as measured: median, and factors of it at equal probabilities."""
    hand_off_ns = statistics.median(times.beyond) / len(times.stages)
    nodes, variations = [], []
    for row, known in zip(times.stages, app.plan.subgraphs, strict=True):
        middle = statistics.median(row)
        after = tuple(
            at
            for at, other in enumerate(app.plan.subgraphs)
            if set(other.outputs) & set(known.inputs)
        )
        ns = round(middle + hand_off_ns)
        nodes.append(StageNode(units=((0, ns), (1, ns)), after=after))
        factors = (np.quantile(row, QUANTILES) + hand_off_ns) / (middle + hand_off_ns)
        variations.append(Variation(kind="quantiles", factors=tuple(map(float, factors))))
    return SimApp(name=app.name, nodes=tuple(nodes), variations=tuple(variations))


def run_simulated(
    apps: Sequence[SimApp], times: Mapping[str, Sequence[float]], seed: int
) -> dict[str, Seen]:
    whole_apps = []
    for app in apps:
        row = times[app.name]
        terms = Terms(deadline_ns=round((row[1] - row[0]) * 1e9))
        moments = tuple(round(moment * 1e9) for moment in row)
        whole_apps.append(replace(app, arrivals=Replay(times_ns=moments), terms=terms))
    last_ns = max(round(row[-1] * 1e9) for row in times.values())
    soc = SimSoc(units=(SimUnit(name="cpu0"), SimUnit(name="cpu1")))
    result = simulate(whole_apps, soc, policy="edf", duration_ns=last_ns + 1, seed=seed, drain=True)
    return {
        app.name: Seen(missed=app.miss_rate or 0.0, p95_ns=float(app.p95_ns or "nan"))
        for app in result.apps
    }


def apart(rounds: Sequence[float], *, relative: bool) -> float:
    """The typical difference of two rounds."""
    pairs = [abs(a - b) / (a if relative else 1) for a, b in combinations(rounds, 2)]
    return statistics.median(pairs) if pairs else 0.0


def report(
    load: float, real: Sequence[dict[str, Seen]], simulated: Sequence[dict[str, Seen]]
) -> int:
    """Print a load's rows; how many of the figures are within their goal."""
    good = 0
    print(f"load {load:.0%}   missed: real, simulated (goal)    p95: real, simulated (goal)")
    for app in APPS:
        missed = [[row[app.name].missed for row in rows] for rows in (real, simulated)]
        p95 = [[row[app.name].p95_ns for row in rows] for rows in (real, simulated)]
        a, b = (statistics.median(rows) for rows in missed)
        c, d = (statistics.median(rows) for rows in p95)
        goal = max(GOAL_MISSED, 2 * apart(missed[0], relative=False))
        goal_p95 = max(GOAL_P95, 2 * apart(p95[0], relative=True))
        good += (abs(a - b) <= goal) + (abs(d / c - 1) <= goal_p95)
        print(
            f"  {app.name:<12} {a:6.2%} {b:6.2%} ({goal:.1%})   "
            f"{c / 1e6:8.3f} ms {d / 1e6:8.3f} ms {d / c - 1:+.1%} ({goal_p95:.0%})"
        )
    return good


async def main(loads: Sequence[float], rounds: int, seconds: float) -> None:
    models: dict[str, Model] = {app.name: hs.load(f"zoo:{app.name}") for app in APPS}
    inputs: dict[str, Inputs] = {n: fill_inputs(m.graph, {}, 0)[0] for n, m in models.items()}
    took = {name: alone_s(session(model), dict(inputs[name])) for name, model in models.items()}
    busy = sum(app.rate_hz * took[app.name] for app in APPS)

    def at_load(load: float, length_s: float, seed: str) -> dict[str, list[float]]:
        rng = random.Random(seed)
        return {a.name: arrivals(a, 2 * load / busy, length_s, rng.random()) for a in APPS}

    async with hs.Runtime(hs.host_units()[:2], policy="edf") as runtime:
        apps: dict[str, App] = {}
        times: dict[str, Times] = {}
        for app in APPS:
            plan = whole(models[app.name], LONGEST_STAGE_NS)
            apps[app.name] = await runtime.deploy(
                plan, name=app.name, model=models[app.name], deadline="10s"
            )
            times[app.name] = Times(stages=[[] for _ in plan.subgraphs])
            await alone(apps[app.name], inputs[app.name], times[app.name])
        await run_real(apps, inputs, at_load(loads[0], seconds, "learn"), times)
        models_of = [simulated_app(apps[app.name], times[app.name]) for app in APPS]
        good = 0
        for load in loads:
            real, simulated = [], []
            for number in range(rounds):
                moments = at_load(load, seconds, f"{load} {number}")
                real.append(await run_real(apps, inputs, moments))
                simulated.append(run_simulated(models_of, moments, number))
            good += report(load, real, simulated)
    print(f"{good} of {2 * len(APPS) * len(loads)} figures within their goal")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=8)
    parser.add_argument("--loads", default="0.3,0.6,0.9")
    given = parser.parse_args()
    asyncio.run(main([float(one) for one in given.loads.split(",")], given.rounds, given.seconds))
