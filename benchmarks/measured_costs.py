"""How near predictions are: what a plan was said to take on this machine, and what it takes.

For each model and thread count some random plans: the model's groups in their order, cut at random
places into up to eight subgraphs, each on a random unit. A plan is costed twice: from groups alone,
and as `hetsched plan --profile host` does it, from its own subgraphs measured whole. Then it runs
in the runtime. Measuring and running take turns, since the machine's speed wanders: groups before
each plan, subgraphs and the plan's runs in several rounds; what is compared are medians over the
rounds. Executed is the time from the first subgraph's start to the last one's end. Next to each
error stands the spread of identical runs between rounds; the goal is an error of 5% in the middle
and 12% at the 90th percentile, or twice that spread where it is larger.

    python benchmarks/measured_costs.py [--threads 1,2] [--splits 10] [--rounds 5] [MODEL ...]
    python benchmarks/measured_costs.py --sharing [--budget 10] [--rounds 5] [MODEL ...]

With `--sharing`: how long it takes to measure a variant of a model, of whose groups one in five is
new, in a store that knows the model, relative to one that knows only the machine; both in turns,
the variant loaded before, the model measured anew in each round. `off by` is how far the shared
answers are from those of measuring all, `apart` how far the latter are from each other: the median
over the rounds of either.

Both need a quiet machine.
"""

import argparse
import asyncio
import random
import sqlite3
import statistics
import tempfile
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from time import monotonic

import numpy as np
import onnx
from onnx import helper, numpy_helper

from hetsched.backends.ort import OrtBackend
from hetsched.cost.measure_model import Measured
from hetsched.cost.measure_stages import measure_stages
from hetsched.cost.measured import Host, costs_on, host, table
from hetsched.cost.store import CostStore
from hetsched.cost.table import CostTable
from hetsched.ir.load import load
from hetsched.ir.model import Model
from hetsched.ir.sample import samples
from hetsched.place.evaluate import evaluate
from hetsched.place.placement import Stage
from hetsched.plan.build import Request, make
from hetsched.plan.model import Plan
from hetsched.plan.problem import build_problem
from hetsched.plan.settle import learn, specs
from hetsched.runtime import App, Runtime, RuntimeUnit
from hetsched.zoo.catalog import names
from hetsched.zoo.fetch import fetch

MOST_PARTS = 8
RUNS_S = 0.4
"""How long a plan's runs of a round take, about; its subgraphs' as well."""

GROUPS_S = 1.0
LEAST_RUNS = 5
GOAL, GOAL_P90 = 0.05, 0.12
CHANGED = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One random plan: relative errors, and the spread of its own runs."""

    parts: int
    executed_ns: float
    from_groups: float
    from_stages: float
    spread: float


@dataclass(kw_only=True)
class Rounds:
    """What the rounds of one plan gave, in ns."""

    executed: list[float] = field(default_factory=list)
    predicted: list[float] = field(default_factory=list)

    @property
    def spread(self) -> float:
        """Typical distance between a round's runs and the next one's."""
        steps = [abs(a / b - 1) for a, b in pairwise(self.executed)]
        return statistics.median(steps) if steps else 0.0


def random_stages(groups: int, units: int, rng: random.Random) -> tuple[Stage, ...]:
    """Consecutive groups, cut at random places; neighbours may be on one unit."""
    parts = min(rng.randint(1, MOST_PARTS), groups)
    cuts = [0, *sorted(rng.sample(range(1, groups), parts - 1)), groups]
    return tuple(
        Stage(unit=rng.randrange(units), groups=tuple(range(first, last)))
        for first, last in pairwise(cuts)
    )


def groups_anew(model: Model, here: Host) -> CostTable:
    with tempfile.TemporaryDirectory() as folder:
        fresh = replace(here, store=CostStore(Path(folder) / "costs.sqlite"))
        return table(fresh, costs_on(fresh, model, budget_s=GROUPS_S))


def units_of(here: Host, folder: Path) -> list[RuntimeUnit]:
    backend = OrtBackend(threads=here.threads, cache_dir=folder)
    return [
        RuntimeUnit(name=core.unit, backend=backend, cores=core.cpus)
        for cluster in here.clusters
        for core in cluster.cores
    ]


async def runs_ns(app: App, model: Model) -> float:
    """The median of about `RUNS_S` of runs."""
    inputs = samples(model.graph)
    times: list[int] = []
    end = monotonic() + RUNS_S
    while monotonic() < end or len(times) < LEAST_RUNS:
        stages = (await app.request(inputs)).stages
        times.append(max(s.end_ns for s in stages) - min(s.start_ns for s in stages))
    return statistics.median(times)


async def try_plan(
    model: Model, here: Host, costs: CostTable, plan: Plan, stages: Sequence[Stage], rounds: int
) -> Outcome:
    cpus = {core.unit: core.cpus for cluster in here.clusters for core in cluster.cores}
    seen = Rounds()
    with tempfile.TemporaryDirectory() as folder:
        units = units_of(here, Path(folder))
        async with Runtime(units) as runtime:
            app = await runtime.deploy(plan, name="split", model=model)
            await runs_ns(app, model)
            for _ in range(rounds):
                times = measure_stages(
                    model,
                    specs(plan.subgraphs),
                    [cpus[part.unit] for part in plan.subgraphs],
                    threads=here.threads,
                    budget_s=RUNS_S,
                    backend=OrtBackend(threads=here.threads, cache_dir=Path(folder)),
                )
                profile, better = learn(here, here.profile, costs, plan.subgraphs, times)
                problem = build_problem(model.graph, profile, better)
                seen.predicted.append(max(evaluate(problem, stages).end_ns))
                seen.executed.append(await runs_ns(app, model))
    executed = statistics.median(seen.executed)
    return Outcome(
        parts=len(stages),
        executed_ns=executed,
        from_groups=plan.latency_ns / executed - 1,
        from_stages=statistics.median(seen.predicted) / executed - 1,
        spread=seen.spread,
    )


def accuracy(models: Sequence[str], threads: Sequence[int], splits: int, rounds: int) -> None:
    found: list[Outcome] = []
    print(
        f"{'model':14} thr parts {'executed':>11} {'by groups':>9} {'by stages':>9} {'spread':>7}"
    )
    with tempfile.TemporaryDirectory() as folder:
        hosts = [host(Path(folder) / "costs.sqlite", count) for count in threads]
        for name in models:
            model = load(f"zoo:{name}")
            for here in hosts:
                for seed in range(splits):
                    outcome = one_split(model, here, seed, rounds)
                    found.append(outcome)
                    print(
                        f"{name:14} {here.threads:3} {outcome.parts:5} "
                        f"{outcome.executed_ns / 1e6:8.3f} ms {outcome.from_groups:+9.3f} "
                        f"{outcome.from_stages:+9.3f} {outcome.spread:7.3f}",
                        flush=True,
                    )
    for title, errors in (
        ("from groups alone", [abs(one.from_groups) for one in found]),
        ("subgraphs measured whole", [abs(one.from_stages) for one in found]),
    ):
        summary(title, errors, [one.spread for one in found])


def one_split(model: Model, here: Host, seed: int, rounds: int) -> Outcome:
    costs = groups_anew(model, here)
    rng = random.Random(f"{model.name} {seed}")
    stages = random_stages(len(costs.groups), len(here.profile.units), rng)
    request = Request(time_limit_s=0.01)
    plan = make(model, here.profile, request, costs, keep=stages).plan
    return asyncio.run(try_plan(model, here, costs, plan, stages, rounds))


def summary(title: str, errors: Sequence[float], spreads: Sequence[float]) -> None:
    median, p90 = statistics.median(errors), float(np.quantile(errors, 0.9))
    within = [error <= max(GOAL, 2 * spread) for error, spread in zip(errors, spreads, strict=True)]
    twice = 2 * statistics.median(spreads), 2 * float(np.quantile(spreads, 0.9))
    print(
        f"{title}: median error {median:.1%} (goal {max(GOAL, twice[0]):.1%}), 90th percentile "
        f"{p90:.1%} (goal {max(GOAL_P90, twice[1]):.1%}); {sum(within)} of {len(within)} within "
        f"5% or twice their own spread"
    )


def variant(source: Path, target: Path, wanted: int) -> int:
    """The model with so many groups changed: larger kernels, other activations. How many were."""
    model = onnx.load(source)
    stored = {tensor.name: tensor for tensor in model.graph.initializer}
    nodes = list(model.graph.node)
    changed = 0
    random.Random(0).shuffle(nodes)
    for node in nodes:
        if changed < wanted and (_widened(model.graph, node, stored) or _leaky(node)):
            changed += 1
    onnx.save(model, target)
    return changed


def _leaky(node: onnx.NodeProto) -> bool:
    if node.op_type != "Relu":
        return False
    node.op_type = "LeakyRelu"
    node.attribute.append(helper.make_attribute("alpha", 0.1))
    return True


def _widened(
    graph: onnx.GraphProto, node: onnx.NodeProto, stored: dict[str, onnx.TensorProto]
) -> bool:
    """A kernel of 3 x 3 or more grows by a ring of zeros."""
    if node.op_type != "Conv" or node.input[1] not in stored:
        return False
    values = {one.name: helper.get_attribute_value(one) for one in node.attribute}
    weights = numpy_helper.to_array(stored[node.input[1]])
    if weights.ndim != 4 or min(weights.shape[2:]) < 3 or "pads" not in values:
        return False
    wide = np.pad(weights, ((0, 0), (0, 0), (1, 1), (1, 1)))
    name = f"{node.input[1]}:wide{len(graph.initializer)}"
    graph.initializer.append(numpy_helper.from_array(wide, name))
    node.input[1] = name
    fresh = {"kernel_shape": list(wide.shape[2:]), "pads": [pad + 1 for pad in values["pads"]]}
    del node.attribute[:]
    node.attribute.extend(helper.make_attribute(k, v) for k, v in {**values, **fresh}.items())
    return True


def sharing(models: Sequence[str], rounds: int, budget_s: float) -> None:
    print(
        f"{'model':14} changed reused   alone  shared  ratio (lowest to highest)   off by   apart"
    )
    for name in models:
        with tempfile.TemporaryDirectory() as folder:
            print(one_pair(name, Path(folder), rounds, budget_s), flush=True)


def one_pair(name: str, folder: Path, rounds: int, budget_s: float) -> str:
    """A line: a model and its variant, the variant measured with and without the model known."""
    model = load(f"zoo:{name}")
    host(folder / "machine.sqlite")
    known = timed_costs(model, folder, "machine", budget_s, keep="known").measured
    wanted = round(CHANGED * known.pieces)
    changed = variant(Path(fetch(name)), folder / "variant.onnx", wanted)
    other = load(folder / "variant.onnx", shapes=model.shapes)
    other.onnx()  # loading isn't measuring: both find it done
    shared, alone = [], []
    for _ in range(rounds):
        timed_costs(model, folder, "machine", budget_s, keep="known")  # its noise counts, too
        shared.append(timed_costs(other, folder, "known", budget_s))
        alone.append(timed_costs(other, folder, "machine", budget_s))
    ratios = sorted(a.seconds / b.seconds for a, b in zip(shared, alone, strict=True))
    latency = statistics.median(one.latency_ns for one in alone)
    off_by = statistics.median(one.latency_ns for one in shared) / latency - 1
    apart = statistics.median(abs(one.latency_ns / latency - 1) for one in alone)
    measured = shared[0].measured
    return (
        f"{name:14} {changed:4} ops {measured.reused / measured.pieces:6.0%} "
        f"{statistics.median(one.seconds for one in alone):6.2f}s "
        f"{statistics.median(one.seconds for one in shared):6.2f}s "
        f"{statistics.median(ratios):6.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f}) "
        f"{off_by:+17.1%} {apart:7.1%}"
    )


@dataclass(frozen=True, kw_only=True)
class Timed:
    """One measurement of a model, and how long it took."""

    seconds: float
    latency_ns: int
    measured: Measured


def timed_costs(
    model: Model, folder: Path, known: str, budget_s: float, keep: str = "used"
) -> Timed:
    """Measure a model into a copy of a store."""
    used = folder / f"{keep}.sqlite"
    used.unlink(missing_ok=True)
    with closing(sqlite3.connect(folder / f"{known}.sqlite")) as source:
        source.execute("VACUUM INTO ?", (str(used),))
    here = host(used)
    told: list[Measured] = []
    begin = monotonic()
    (found, *_) = costs_on(here, model, budget_s=budget_s, told=lambda _, one: told.append(one))
    return Timed(seconds=monotonic() - begin, latency_ns=found.latency_ns, measured=told[0])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="*", default=names())
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--splits", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--budget", type=float, default=10.0, help="seconds, with --sharing")
    parser.add_argument("--sharing", action="store_true")
    arguments = parser.parse_args()
    if arguments.sharing:
        sharing(arguments.models, arguments.rounds, arguments.budget)
        return
    threads = [int(count) for count in arguments.threads.split(",")]
    accuracy(arguments.models, threads, arguments.splits, arguments.rounds)


if __name__ == "__main__":
    main()
