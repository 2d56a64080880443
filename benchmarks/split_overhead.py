"""What splitting costs on one CPU core: the stages of a split model against the unsplit one.

python benchmarks/split_overhead.py [--parts 8] [--rounds 15] [MODEL ...]

The peer is a one-thread `InferenceSession` over the original file with all of ONNX Runtime's
optimisations, called with numpy arrays. Against it: the model as one stage and as several, one
executable after the other on the same thread, and the same several stages through the runtime's
`app.run`. Values stay in ONNX Runtime's memory between stages. All ways take turns within a round;
a round's ratio is that of its medians. Processor time is the thread's: it stays meaningful where
other programs keep the cores busy. The goal is 1.1 for models over 20 ms and 1.25 at 1.5 ms.
"""

import argparse
import asyncio
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

import numpy as np
import onnxruntime as ort
from splitting import chain_plan, specs

import hetsched as hs
from hetsched.backends.base import Buffer, Executable, HostValue
from hetsched.backends.ort import OrtBackend
from hetsched.ir.model import Model
from hetsched.runtime import RuntimeUnit
from hetsched.runtime.trial import fill_inputs

Way: TypeAlias = Callable[[], object]

MODELS = ("ppocr-cls", "ppocr-det", "resnet50", "densenet121", "squeezenet", "inception_v1")
LONG_NS = 20e6
LIMITS = {True: 1.10, False: 1.25}
"""Goal for models over 20 ms, and below."""

ROUND_S = 1.0
"""How long the peer runs in a round, about."""

PEER = "InferenceSession.run"


def session(model: Model) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    return ort.InferenceSession(str(model.path), options, providers=["CPUExecutionProvider"])


def chained(
    executables: Sequence[Executable], outputs: Sequence[str], inputs: Mapping[str, HostValue]
) -> Callable[[], list[np.ndarray]]:
    """One request through all stages, in the plan's order."""

    def run() -> list[np.ndarray]:
        values: dict[str, Buffer | HostValue] = dict(inputs)
        for executable in executables:
            values.update(zip(executable.outputs, executable.run(values), strict=True))
        found = [values[name] for name in outputs]
        return [value.numpy() for value in found if isinstance(value, Buffer)]

    return run


def timed(call: Way) -> tuple[int, int]:
    """Wall and processor time in ns."""
    start, used = time.perf_counter_ns(), time.thread_time_ns()
    call()
    return time.perf_counter_ns() - start, time.thread_time_ns() - used


def one_round(ways: Mapping[str, Way], runs: int) -> dict[str, tuple[float, float]]:
    """Medians of wall and processor time of each way, in turns."""
    times: dict[str, list[tuple[int, int]]] = {name: [] for name in ways}
    names = list(ways)
    for number in range(runs):
        shift = number % len(names)
        for name in names[shift:] + names[:shift]:
            times[name].append(timed(ways[name]))
    return {
        name: (statistics.median(wall), statistics.median(used))
        for name, (wall, used) in ((name, zip(*rows, strict=True)) for name, rows in times.items())
    }


async def compare(name: str, parts: int, rounds: int, folder: Path) -> None:
    model = hs.load(f"zoo:{name}")
    inputs, _ = fill_inputs(model.graph, {}, 0)
    outputs = model.graph.outputs
    backend = OrtBackend(cache_dir=folder)
    split = chain_plan(model, parts)
    peer = session(model)
    several = f"{len(split.subgraphs)} stages"
    async with hs.Runtime([RuntimeUnit(name="cpu0", backend=backend)]) as runtime:
        app = await runtime.deploy(split, name=name, model=model)
        ways: dict[str, Way] = {
            PEER: lambda: peer.run(list(outputs), inputs),
            "1 stage": chained(
                backend.compile(model, specs(chain_plan(model, 1))), outputs, inputs
            ),
            several: chained(backend.compile(model, specs(split)), outputs, inputs),
            f"{several}, app.run": lambda: app.run(inputs),
        }
        print(f"{name}: {agreement(peer.run(list(outputs), inputs), app.run(inputs).values())}")
        one_round(ways, 5)  # warm up
        runs = max(5, min(400, int(ROUND_S * 1e9 / max(timed(ways[PEER])[0], 1))))
        report([one_round(ways, runs) for _ in range(rounds)])


def agreement(wanted: Sequence[np.ndarray], found: Iterable[np.ndarray]) -> str:
    pairs = list(zip(wanted, found, strict=True))
    if all(np.array_equal(a, b) for a, b in pairs):
        return "bit-equal to the unsplit model"
    error = max(float(np.abs(a - b).max() / np.abs(a).max()) for a, b in pairs)
    return f"max|a-b| / max|a| against the unsplit model is {error:.1e}"


def report(found: list[dict[str, tuple[float, float]]]) -> None:
    for way in found[0]:
        wall_ns = statistics.median(row[way][0] for row in found)
        wall = sorted(row[way][0] / row[PEER][0] for row in found)
        used = sorted(row[way][1] / row[PEER][1] for row in found)
        print(
            f"  {way:<22} {wall_ns / 1e6:8.3f} ms   ratio {statistics.median(wall):.3f} "
            f"({wall[0]:.3f} to {wall[-1]:.3f})   processor {statistics.median(used):.3f} "
            f"({used[0]:.3f} to {used[-1]:.3f})"
        )
    whole_ns = statistics.median(row[PEER][0] for row in found)
    print(f"  goal {LIMITS[whole_ns > LONG_NS]:.2f}", flush=True)


async def main() -> None:
    parser = argparse.ArgumentParser(description="What splitting into stages costs on one core.")
    parser.add_argument("models", nargs="*", default=MODELS)
    parser.add_argument("--parts", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=15)
    given = parser.parse_args()
    print(f"{given.rounds} rounds, one thread, all ways in turns")
    with tempfile.TemporaryDirectory() as folder:
        for name in given.models:
            await compare(name, given.parts, given.rounds, Path(folder))


if __name__ == "__main__":
    asyncio.run(main())
