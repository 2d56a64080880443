"""What a request of one stage costs a program: hetsched against ONNX Runtime called by hand.

    python benchmarks/request_overhead.py [MODEL ...] [--rounds 5] [--seconds 2]

Four ways to have a model's outputs, ten calls of each in turns within each round, all with the same
one-thread session options: `InferenceSession.run` and `app.run` on the calling thread;
`asyncio.to_thread(session.run)` and `await app(...)` from an event loop. Printed are p50 and p99 of
each, and as ratios `await app` to `to_thread` (goals: 1.0 at p50, 1.1 at p99) and as a difference
`app.run` to `session.run` (goal: 15 us at p50), each the median over the rounds with the lowest and
highest round; and the ratios of both to `session.run`, which is to be at most 1.02 for a model that
takes as long as resnet50: `request_overhead.py resnet50 --seconds 10`. The outputs are compared.

Then the same call while another thread keeps the only unit busy: what is left between the end of
the request's stage and the caller's going on is the hand-off that a busy unit costs.
"""

import argparse
import asyncio
import statistics
import threading
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence

import numpy as np
from whole_model import one_subgraph, session

import hetsched as hs
from hetsched.backends.base import HostValue
from hetsched.runtime import App
from hetsched.runtime.trial import fill_inputs

RUN, SYNC, THREAD, ASYNC = "session.run", "app.run", "to_thread", "await app"
LEAST = 100
"""Runs of each way in a round: fewer would have no 99th percentile."""

BLOCK = 10
"""Runs of one way in a row: the first one of them finds other ways' code in the caches."""

Times = dict[str, np.ndarray]


async def one_round(ways: dict[str, Callable[[], Awaitable[object]]], runs: int) -> Times:
    """Wall time in ns of each way's runs, `BLOCK` of each in turns."""
    times: dict[str, list[int]] = {name: [] for name in ways}
    names = list(ways)
    for number in range(max(1, runs // BLOCK)):
        shift = number % len(names)
        for name in names[shift:] + names[:shift]:
            for _ in range(BLOCK):
                begin = time.perf_counter_ns()
                await ways[name]()
                times[name].append(time.perf_counter_ns() - begin)
    return {name: np.array(row) for name, row in times.items()}


async def compare(name: str, rounds: int, seconds: float) -> None:
    model = hs.load(f"zoo:{name}")
    inputs = fill_inputs(model.graph, {}, 0)[0]
    peer = session(model)
    async with hs.Runtime(hs.host_units()) as runtime:
        app = await runtime.deploy(one_subgraph(model), name=name, model=model)

        async def run() -> object:
            return peer.run(None, inputs)

        async def sync() -> object:
            return app.run(inputs)

        async def thread() -> object:
            return await asyncio.to_thread(peer.run, None, inputs)

        async def awaited() -> object:
            return await app(inputs)

        ways: dict[str, Callable[[], Awaitable[object]]] = {
            RUN: run,
            SYNC: sync,
            THREAD: thread,
            ASYNC: awaited,
        }
        expected, got = peer.run(None, inputs), list(app.run(inputs).values())
        for a, b in zip(expected, got, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-5)
        warm = await one_round(ways, 20)
        runs = max(LEAST, round(seconds * 1e9 / sum(np.median(row) for row in warm.values())))
        found = [await one_round(ways, runs) for _ in range(rounds)]
    report(name, found, runs)


def report(name: str, found: Sequence[Times], runs: int) -> None:
    print(f"{name}: {len(found)} rounds, {runs} runs of each way in a round")
    for way in (RUN, SYNC, THREAD, ASYNC):
        p50, p99 = (statistics.median(np.quantile(r[way], q) for r in found) for q in (0.5, 0.99))
        print(f"  {way:<12} p50 {p50 / 1e3:10.1f} us   p99 {p99 / 1e3:10.1f} us")
    for q, goal in ((0.5, 1.0), (0.99, 1.1)):
        ratios = [np.quantile(row[ASYNC], q) / np.quantile(row[THREAD], q) for row in found]
        print(f"  {ASYNC} / {THREAD}, p{q * 100:.0f}: {spread(ratios)} (goal {goal})")
    for way in (SYNC, ASYNC):
        ratios = [float(np.median(row[way]) / np.median(row[RUN])) for row in found]
        print(f"  {way} / {RUN}, p50: {spread(ratios)} (goal 1.02 on resnet50)")
    extra = [float(np.median(row[SYNC]) - np.median(row[RUN])) / 1e3 for row in found]
    print(f"  {SYNC} - {RUN}, p50: {spread(extra, ' us')} (goal 15 us)", flush=True)


def spread(values: Sequence[float], unit: str = "") -> str:
    return f"{statistics.median(values):.3f}{unit} ({min(values):.3f} to {max(values):.3f})"


def contended(name: str, rounds: int, runs: int = 200) -> None:
    """How long after its stage's end a caller goes on whose unit was busy, and one whose wasn't."""
    model = hs.load(f"zoo:{name}")
    inputs = fill_inputs(model.graph, {}, 0)[0]
    idle: list[float] = []
    busy: list[float] = []
    with hs.SyncRuntime(hs.host_units()[:1]) as runtime:
        app = runtime.deploy(one_subgraph(model), name=name, model=model)
        for _ in range(rounds):
            idle.append(statistics.median(returns_ns(app, inputs, runs)))
            stop = threading.Event()

            def keep_busy(over: threading.Event = stop) -> None:
                while not over.is_set():
                    app.run(inputs)

            other = threading.Thread(target=keep_busy)
            other.start()
            busy.append(statistics.median(returns_ns(app, inputs, runs)))
            stop.set()
            other.join()
    print(f"{name}, one unit: from the stage's end to the caller's going on, median")
    print(f"  unit idle: {spread([ns / 1e3 for ns in idle], ' us')}")
    print(f"  unit kept busy by another thread: {spread([ns / 1e3 for ns in busy], ' us')}")


def returns_ns(app: App, inputs: Mapping[str, HostValue], runs: int) -> list[float]:
    found = []
    for _ in range(runs):
        begin = time.perf_counter_ns()
        result = app.run_timed(inputs)
        found.append(time.perf_counter_ns() - begin - float(result.latency_ns))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="*", default=["silero-vad", "ppocr-rec"])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2.0)
    arguments = parser.parse_args()
    for name in arguments.models:
        asyncio.run(compare(name, arguments.rounds, arguments.seconds))
    contended(arguments.models[0], arguments.rounds)


if __name__ == "__main__":
    main()
