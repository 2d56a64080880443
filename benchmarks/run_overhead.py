"""What running a plan of one subgraph costs over `InferenceSession.run`: in turns, medians.

python benchmarks/run_overhead.py [MODEL] [ROUNDS] [RUNS]

The peer is a one-thread session over the original file with all of ONNX Runtime's optimisations,
called with numpy arrays on the calling thread. `app.run` claims the idle unit and runs on the
calling thread too; `await app(...)` hands over to the unit's worker and back to the loop. In each
round every way runs RUNS times, in turns; a round's ratio is that of its medians. Processor time is
the whole process's: it stays meaningful where other programs keep the cores busy.
"""

import asyncio
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from typing import TypeAlias

import numpy as np
import onnxruntime as ort

import hetsched as hs
from hetsched.ir.model import Model
from hetsched.plan.build import plan as make_plan
from hetsched.plan.model import Plan
from hetsched.runtime.trial import fill_inputs
from hetsched.soc.catalog import profile

Way: TypeAlias = Callable[[], Awaitable[object]]
LIMIT = 1.02
PEER, SYNC, ASYNC = "InferenceSession.run", "app.run", "await app"


def one_subgraph(model: Model) -> Plan:
    """The whole model on one unit of helio-g90."""
    unit = profile("helio-g90").home
    pins = {op.name: unit for op in model.graph.ops}
    plan = make_plan(model, profile("helio-g90"), pins=pins)
    assert len(plan.subgraphs) == 1, f"{len(plan.subgraphs)} subgraphs"
    return plan


def session(model: Model) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    return ort.InferenceSession(str(model.path), options, providers=["CPUExecutionProvider"])


async def measure(ways: dict[str, Way], runs: int) -> dict[str, tuple[float, float]]:
    """Median wall and processor time in ns of each way, all of them in turns."""
    times: dict[str, list[tuple[int, int]]] = {name: [] for name in ways}
    for number in range(runs):
        names = list(ways)
        shift = number % len(names)
        for name in names[shift:] + names[:shift]:
            start, used = time.perf_counter_ns(), time.process_time_ns()
            await ways[name]()
            times[name].append((time.perf_counter_ns() - start, time.process_time_ns() - used))
    return {
        name: (statistics.median(wall), statistics.median(cpu))
        for name, (wall, cpu) in ((name, zip(*rows, strict=True)) for name, rows in times.items())
    }


async def main(name: str, rounds: int, runs: int) -> None:
    model = hs.load(f"zoo:{name}")
    inputs = fill_inputs(model.graph, {}, 0)[0]
    peer = session(model)
    async with hs.Runtime(hs.host_units()) as runtime:
        app = await runtime.deploy(one_subgraph(model), name=name, model=model)

        async def run_peer() -> object:
            return peer.run(None, inputs)

        async def run_sync() -> object:
            return app.run(inputs)

        async def run_async() -> object:
            return await app(inputs)

        ways: dict[str, Way] = {PEER: run_peer, SYNC: run_sync, ASYNC: run_async}
        expected, got = peer.run(None, inputs), list(app.run(inputs).values())
        for a, b in zip(expected, got, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-5)
        await measure(ways, 5)  # warm up
        found = [await measure(ways, runs) for _ in range(rounds)]
    report(name, found, runs)


def report(name: str, found: list[dict[str, tuple[float, float]]], runs: int) -> None:
    print(f"{name}, one subgraph, one thread: {len(found)} rounds of {runs} runs each, in turns")
    for clock, kind in enumerate(("wall", "processor")):
        print(f"  {kind} time")
        for way in (PEER, SYNC, ASYNC):
            middle = statistics.median(row[way][clock] for row in found)
            ratios = sorted(row[way][clock] / row[PEER][clock] for row in found)
            print(
                f"    {way:<22} {middle / 1e6:8.3f} ms   ratio {statistics.median(ratios):.4f} "
                f"({ratios[0]:.4f} to {ratios[-1]:.4f})"
            )
    print(f"  limit of app.run and await app: {LIMIT}")


if __name__ == "__main__":
    asyncio.run(
        main(
            sys.argv[1] if len(sys.argv) > 1 else "resnet50",
            int(sys.argv[2]) if len(sys.argv) > 2 else 7,
            int(sys.argv[3]) if len(sys.argv) > 3 else 20,
        )
    )
