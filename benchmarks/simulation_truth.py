"""A workload on this machine against its simulation: missed deadlines and latencies, app by app.

    python benchmarks/simulation_truth.py [--rounds 5] [--seconds 8] [--feeds split,plain]

Five periodic apps (deadline = period) run in the runtime on two cores by policy `edf`. What the
simulation is fed with is measured here, in runs at the same load with other phases, which take
turns with those that are compared: a core's stages take longer where it idles in between, and the
machine's speed drifts.

- how long each stage takes, as a median and its quantiles;
- by how much an app's stages take longer while the other core runs one, too. The simulator slows
  down what overlaps by a shared memory; each app asks for so much of it that these come out;
- once, while nothing else runs: how long after a request's arrival an idle core begins with it (the
  simulator's `wake_ns`, which a busy core doesn't pay), and what passes between its stages.

With `--feeds plain` cores don't slow each other down, and what passes before and between stages is
a part of them. The simulator gets the very same arrivals as the real runs, in each round with other
phases; both ways of feeding it are compared with the same real runs.

Printed are, per app, the share missed and the 95th percentile of latencies, real and simulated, the
medians over the rounds; and the typical difference of two real rounds. Goals: 2 points of the share
and 10% of the percentile up to 90% load, or twice that difference where it is larger.
"""

import argparse
import asyncio
import random
import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations, pairwise
from typing import TypeAlias

import numpy as np
from closed_loop import alone_s
from host_plans import whole
from numpy.typing import NDArray
from open_loop_peers import Inputs, Periodic, arrivals
from whole_model import session

import hetsched as hs
from hetsched.dispatch import StageNode, Terms
from hetsched.errors import DroppedError
from hetsched.ir.model import Model
from hetsched.runtime import App
from hetsched.runtime.trial import fill_inputs
from hetsched.sim.arrivals import Replay
from hetsched.sim.model import SimApp, StageWork, Variation
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
LEAST_RUNS = 5
FEW = 0.1
"""A run that overlaps others by less ran alone, one that does by all but so much ran beside."""
GOAL_MISSED, GOAL_P95 = 0.02, 0.10


@dataclass(slots=True)
class Seen:
    """What one app did in one run."""

    missed: float
    p95_ns: float


Moments: TypeAlias = dict[str, list[float]]
Round: TypeAlias = dict[str, Seen]
Numbers: TypeAlias = NDArray[np.float64]
Fed: TypeAlias = tuple[list[SimApp], SimSoc]


@dataclass(slots=True)
class Times:
    """What an app's requests took, in ns.

    Attributes:
        stages: per stage, (unit, start, end) of its runs on one clock.
        begin: from submission to the first stage's start, on idle units.
        between: from a stage's end to the next one's start, likewise.
    """

    stages: list[list[tuple[str, int, int]]]
    begin: list[int] = field(default_factory=list)
    between: list[int] = field(default_factory=list)


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
        came_ns = time.perf_counter_ns()
        try:
            result = await apps[name].request(inputs[name], deadline=deadline_ns)
        except DroppedError:
            return
        latencies[name].append(result.latency_ns)
        met[name] += result.status == "completed"
        if record is not None:
            for row, stage in zip(record[name].stages, result.stages, strict=True):
                row.append((stage.unit, came_ns + stage.start_ns, came_ns + stage.end_ns))

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
        ran = (await app.request(inputs, deadline="10s")).stages
        times.begin.append(ran[0].start_ns)
        times.between += [after.start_ns - before.end_ns for before, after in pairwise(ran)]
        await asyncio.sleep(0.002)


def overlaps(times: Mapping[str, Times]) -> dict[str, list[list[float]]]:
    """Per app, stage and run the share of it while another unit ran a stage, too."""
    runs = [run for each in times.values() for row in each.stages for run in row]
    units = sorted({unit for unit, _, _ in runs})
    others: dict[str, tuple[Numbers, Numbers]] = {}
    for unit in units:
        rows = sorted((start, end) for where, start, end in runs if where != unit)
        edges = np.array(rows, float).reshape(-1, 2)
        others[unit] = edges[:, 0], edges[:, 1]

    def share(run: tuple[str, int, int]) -> float:
        unit, start, end = run
        starts, ends = others[unit]
        common = np.minimum(ends, end) - np.maximum(starts, start)
        return float(np.clip(common, 0, None).sum()) / max(end - start, 1)

    return {
        name: [[share(run) for run in row] for row in each.stages] for name, each in times.items()
    }


def slowdown(times: Times, shares: Sequence[Sequence[float]]) -> float:
    """How many times longer stages take beside others: medians of runs, weighted by their time."""
    apart_ns = beside_ns = 0.0
    for row, row_shares in zip(times.stages, shares, strict=True):
        took = np.array([end - start for _, start, end in row], float)
        share = np.array(row_shares)
        alone_, beside = took[share < FEW], took[share > 1 - FEW]
        if len(alone_) >= LEAST_RUNS and len(beside) >= LEAST_RUNS:
            apart_ns += float(np.median(alone_))
            beside_ns += float(np.median(beside))
    return max(1.0, beside_ns / apart_ns) if apart_ns else 1.0


def demands(factors: Mapping[str, float], busy: Mapping[str, float]) -> dict[str, float]:
    """How much of the memory each app asks for, so that beside the others it takes its factor.

    Two stages beside each other take d1 + d2 times as long where that is above 1; beside the mean
    of the others, by the time they are busy, d + mean(d) = factor.
    """
    total = sum(busy.values())
    mean = sum(factors[name] * busy[name] for name in busy) / total / 2
    return {name: max(0.0, factor - mean) for name, factor in factors.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """What is known of an app beside its runs.

    Attributes:
        shares: per stage and run, the share of it that overlapped others.
        factor: how many times longer its stages take beside others.
        demand: what it asks of the memory, for that.
        begin_ns: added to its first stage.
        between_ns: added to each later one.
    """

    shares: list[list[float]]
    factor: float
    demand: float
    begin_ns: float
    between_ns: float


def simulated_app(app: App, times: Times, feed: Feed) -> SimApp:
    """The app's stages as measured, without what others slowed them down by."""
    nodes, variations, works = [], [], []
    for at, (row, shares) in enumerate(zip(times.stages, feed.shares, strict=True)):
        after = tuple(
            number
            for number, other in enumerate(app.plan.subgraphs)
            if set(other.outputs) & set(app.plan.subgraphs[at].inputs)
        )
        took = np.array([end - start for _, start, end in row], float)
        took /= 1 + (feed.factor - 1) * np.array(shares)
        took += feed.between_ns if at else feed.begin_ns
        ns = round(float(np.median(took)))
        nodes.append(StageNode(units=((0, ns), (1, ns)), after=after))
        factors = np.quantile(took, QUANTILES) / ns
        variations.append(Variation(kind="quantiles", factors=tuple(map(float, factors))))
        works.append((StageWork(dram_bytes=feed.demand * ns),) * 2)
    return SimApp(
        name=app.name, nodes=tuple(nodes), variations=tuple(variations), works=tuple(works)
    )


def split(apps: Mapping[str, App], times: Mapping[str, Times]) -> Fed:
    """Cores wake up and slow each other down."""
    shares = overlaps(times)
    factors = {name: slowdown(each, shares[name]) for name, each in times.items()}
    busy = {
        name: float(sum(end - start for row in each.stages for _, start, end in row))
        for name, each in times.items()
    }
    asks = demands(factors, busy)
    wake_ns = round(statistics.median(ns for each in times.values() for ns in each.begin))
    print(f"an idle core begins after {wake_ns / 1e3:.0f} us; beside the other core stages take")
    print("  " + ", ".join(f"{name} {factor:.2f} x" for name, factor in factors.items()))
    feeds = {
        name: Feed(
            shares=shares[name],
            factor=factors[name],
            demand=asks[name],
            begin_ns=0.0,
            between_ns=statistics.median(each.between) if each.between else 0.0,
        )
        for name, each in times.items()
    }
    return fed(apps, times, feeds, wake_ns)


def plain(apps: Mapping[str, App], times: Mapping[str, Times]) -> Fed:
    """Hand-offs are a part of stages, which take what they took at the first load."""
    feeds = {}
    for name, each in times.items():
        stages = len(each.stages)
        beyond = statistics.median(each.begin)
        beyond += (stages - 1) * statistics.median(each.between) if each.between else 0.0
        feeds[name] = Feed(
            shares=[[0.0] * len(row) for row in each.stages],
            factor=1.0,
            demand=0.0,
            begin_ns=beyond / stages,
            between_ns=beyond / stages,
        )
    return fed(apps, times, feeds, 0)


def fed(
    apps: Mapping[str, App],
    times: Mapping[str, Times],
    feeds: Mapping[str, Feed],
    wake_ns: int,
) -> Fed:
    units = tuple(SimUnit(name=name, wake_ns=wake_ns) for name in ("cpu0", "cpu1"))
    found = [simulated_app(apps[name], each, feeds[name]) for name, each in times.items()]
    return found, SimSoc(units=units, memory_bytes_per_s=1e9)


FEEDS = {"split": split, "plain": plain}


def run_simulated(
    apps: Sequence[SimApp], soc: SimSoc, times: Mapping[str, Sequence[float]], seed: int
) -> dict[str, Seen]:
    whole_apps = []
    for app in apps:
        row = times[app.name]
        terms = Terms(deadline_ns=round((row[1] - row[0]) * 1e9))
        moments = tuple(round(moment * 1e9) for moment in row)
        whole_apps.append(replace(app, arrivals=Replay(times_ns=moments), terms=terms))
    last_ns = max(round(row[-1] * 1e9) for row in times.values())
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


async def deployed(
    runtime: hs.Runtime, models: Mapping[str, Model], inputs: Mapping[str, Inputs]
) -> tuple[dict[str, App], dict[str, Times]]:
    """The apps, and what their requests take beyond stages that nobody keeps waiting."""
    apps: dict[str, App] = {}
    times: dict[str, Times] = {}
    for name, model in models.items():
        plan = whole(model, LONGEST_STAGE_NS)
        apps[name] = await runtime.deploy(plan, name=name, model=model, deadline="10s")
        times[name] = Times(stages=[[] for _ in plan.subgraphs])
        await alone(apps[name], inputs[name], times[name])
    return apps, times


async def one_load(
    apps: Mapping[str, App],
    inputs: Mapping[str, Inputs],
    times: Mapping[str, Times],
    rounds: Sequence[tuple[Moments, Moments]],
    feeds: Sequence[str],
) -> tuple[list[Round], dict[str, list[Round]]]:
    """Real runs in turns with such that stages are timed in; then their simulations."""
    for each in times.values():
        for row in each.stages:
            row.clear()
    real: list[Round] = []
    for learnt, moments in rounds:
        await run_real(apps, inputs, learnt, times)
        real.append(await run_real(apps, inputs, moments))
    simulated: dict[str, list[Round]] = {}
    for feed in feeds:
        found, soc = FEEDS[feed](apps, times)
        simulated[feed] = [
            run_simulated(found, soc, moments, number) for number, (_, moments) in enumerate(rounds)
        ]
    return real, simulated


async def main(loads: Sequence[float], rounds: int, seconds: float, feeds: Sequence[str]) -> None:
    models: dict[str, Model] = {app.name: hs.load(f"zoo:{app.name}") for app in APPS}
    inputs: dict[str, Inputs] = {n: fill_inputs(m.graph, {}, 0)[0] for n, m in models.items()}
    took = {name: alone_s(session(model), dict(inputs[name])) for name, model in models.items()}
    busy = sum(app.rate_hz * took[app.name] for app in APPS)

    def at_load(load: float, seed: str) -> Moments:
        rng = random.Random(seed)
        return {a.name: arrivals(a, 2 * load / busy, seconds, rng.random()) for a in APPS}

    good = dict.fromkeys(feeds, 0)
    async with hs.Runtime(hs.host_units()[:2], policy="edf") as runtime:
        apps, times = await deployed(runtime, models, inputs)
        for load in loads:
            moments = [
                (at_load(load, f"learn {load} {number}"), at_load(load, f"{load} {number}"))
                for number in range(rounds)
            ]
            real, simulated = await one_load(apps, inputs, times, moments, feeds)
            for feed in feeds:
                print(f"fed {feed}:")
                good[feed] += report(load, real, simulated[feed])
    for feed in feeds:
        figures = 2 * len(APPS) * len(loads)
        print(f"fed {feed}: {good[feed]} of {figures} figures within their goal")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=8)
    parser.add_argument("--loads", default="0.3,0.6,0.9")
    parser.add_argument("--feeds", default="split,plain", help="of split, plain")
    given = parser.parse_args()
    shares = [float(one) for one in given.loads.split(",")]
    asyncio.run(main(shares, given.rounds, given.seconds, given.feeds.split(",")))
