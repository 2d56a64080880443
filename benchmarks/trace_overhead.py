"""What recording a trace costs per event, and what counting costs per request: in turns, medians.

    python benchmarks/trace_overhead.py [--rounds 7] [--requests 5000]

The app is one stage of the null backend, so that next to nothing but the runtime is measured; a
request is `app.run` on the calling thread: 2 events and 2 for its stage. In each round the same
requests run without and with a trace, in turns. Then the parts alone: the recorder's calls, a
histogram's update, what is learnt from a stage's time. All times are the calling thread's processor
time: it stays meaningful where other programs keep the cores busy.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from hetsched._core import Recorder
from hetsched.backends.null import NullBackend
from hetsched.runtime import RuntimeUnit, SyncRuntime
from hetsched.runtime.app import App
from hetsched.runtime.learning import Learned
from hetsched.trace.files import load_trace
from hetsched.trace.histogram import Histogram

LIMIT_NS = 300
EVENTS = 4
"""Of a request of one stage."""
CHUNK = 50


def per_call_ns(call: Callable[[], object], calls: int) -> float:
    start = time.thread_time_ns()
    for _ in range(calls):
        call()
    return (time.thread_time_ns() - start) / calls


def in_turns(ways: Sequence[Callable[[], object]], calls: int) -> list[float]:
    """Median ns of each way, `CHUNK` calls of it at a time."""
    times: list[list[float]] = [[] for _ in ways]
    for number in range(calls // CHUNK):
        for which in range(len(ways)):
            at = (which + number) % len(ways)
            times[at].append(per_call_ns(ways[at], CHUNK))
    return [statistics.median(row) for row in times]


def deployed(runtime: SyncRuntime) -> App:
    import hetsched as hs
    from hetsched.soc.catalog import profile

    model = hs.load("zoo:silero-vad")
    soc = profile("helio-g90")
    plan = hs.plan(model, soc, pins={op.name: soc.home for op in model.graph.ops})
    return runtime.deploy(plan, name="vad", model=model)


def main(rounds: int, requests: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.trace"
        unit = [RuntimeUnit(name="cpu", backend=NullBackend())]
        with SyncRuntime(unit) as plain, SyncRuntime(unit, trace=path) as traced:
            apps = [deployed(plain), deployed(traced)]
            graph = apps[0]._program.graph
            from hetsched.runtime.trial import fill_inputs

            inputs = fill_inputs(graph, {}, 0)[0]
            found: list[list[float]] = [[], []]
            for number in range(rounds + 1):
                times = in_turns([partial(app.run, inputs) for app in apps], requests)
                if number:  # the first round warms up
                    for row, taken in zip(found, times, strict=True):
                        row.append(taken)
                time.sleep(0.1)  # the trace is written meanwhile
        lost = load_trace(path).lost
    more = sorted((b - a) / EVENTS for a, b in zip(*found, strict=True))
    report(found, more, lost, rounds, requests)
    parts(requests)


def report(
    found: list[list[float]], more: list[float], lost: int, rounds: int, requests: int
) -> None:
    print(f"app.run of one null stage: {rounds} rounds of {requests} requests each way, in turns")
    for name, times in zip(("without a trace", "with a trace"), found, strict=True):
        print(f"  {name:<18} {statistics.median(times) / 1e3:8.2f} us a request")
    middle = statistics.median(more)
    print(f"  an event costs     {middle:8.0f} ns ({more[0]:.0f} to {more[-1]:.0f}), ", end="")
    print(f"limit {LIMIT_NS}; {lost} events lost")


def parts(calls: int) -> None:
    recorder, histogram = Recorder(1 << 16), Histogram()
    learned = Learned(lambda *_: None)
    times = iter(np.random.default_rng(0).integers(900_000, 1_100_000, 20 * calls).tolist())
    for name, call in {
        "an empty call": lambda: None,
        "recorder.at": lambda: recorder.at(1_000_000_000_000, 1, 0, 3, 1_000_000_000, 2, -1),
        "recorder.ran, 2 events": lambda: recorder.ran(1, 2, 0, 3, 1_000_000_000, 2),
        "histogram.add": lambda: histogram.add(next(times)),
        "learned.add": lambda: learned.add(0, 0, next(times)),
    }.items():
        taken = [per_call_ns(call, calls) for _ in range(7)]
        recorder.drain()
        print(f"  {name:<23} {statistics.median(taken):8.0f} ns")


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7, help="an odd number has a middle one")
    parser.add_argument("--requests", type=int, default=5000, help="of each way in a round")
    return parser.parse_args()


if __name__ == "__main__":
    arguments = parsed()
    main(arguments.rounds, arguments.requests)
