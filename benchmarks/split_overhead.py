"""What splitting costs on one CPU core: the stages of a split model against the unsplit one.

python benchmarks/split_overhead.py [--parts 8] [--rounds 15] [MODEL ...]

The peer is a one-thread `InferenceSession` over the original file with all of ONNX Runtime's
optimisations, called with numpy arrays. Split, the same request goes through one executable after
the other on the same thread, without the runtime; values stay in ONNX Runtime's memory between
them. Both take turns within a round; a round's ratio is that of its medians. Processor time stays
meaningful where other programs keep the cores busy. The goal is 1.1 for models over 20 ms and 1.25
at 1.5 ms.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import onnxruntime as ort
from splitting import chain_plan, specs

import hetsched as hs
from hetsched.backends.base import Buffer, Executable, HostValue
from hetsched.backends.ort import OrtBackend
from hetsched.ir.model import Model
from hetsched.runtime.trial import fill_inputs

MODELS = ("ppocr-cls", "ppocr-det", "resnet50", "densenet121", "squeezenet", "inception_v1")
LONG_S = 0.020
LIMITS = {True: 1.10, False: 1.25}
"""Goal for models over 20 ms, and below."""

SAMPLE_S = 1.0
"""How long each way runs in a round, about."""


def session(model: Model) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    return ort.InferenceSession(str(model.path), options, providers=["CPUExecutionProvider"])


def chained(
    executables: Sequence[Executable], outputs: Sequence[str]
) -> Callable[[Mapping[str, HostValue]], list[np.ndarray]]:
    """One request through all stages, in the plan's order."""

    def run(inputs: Mapping[str, HostValue]) -> list[np.ndarray]:
        values: dict[str, Buffer | HostValue] = dict(inputs)
        for executable in executables:
            values.update(zip(executable.outputs, executable.run(values), strict=True))
        found = [values[name] for name in outputs]
        return [value.numpy() for value in found if isinstance(value, Buffer)]

    return run


def timed(call: Callable[[], object]) -> tuple[int, int]:
    start, used = time.perf_counter_ns(), time.thread_time_ns()
    call()
    return time.perf_counter_ns() - start, time.thread_time_ns() - used


def one_round(whole: Callable[[], object], split: Callable[[], object], runs: int) -> list[float]:
    """Medians of wall and processor time of the whole and the split model, in turns."""
    rows = []
    for number in range(runs):
        if number % 2:
            rows.append((*timed(whole), *timed(split)))
        else:
            late = timed(split)
            rows.append((*timed(whole), *late))
    return [statistics.median(column) for column in zip(*rows, strict=True)]


def compare(name: str, parts: int, rounds: int) -> str:
    model = hs.load(f"zoo:{name}")
    inputs, _ = fill_inputs(model.graph, {}, 0)
    peer = session(model)
    with tempfile.TemporaryDirectory() as folder:
        stages = specs(chain_plan(model, parts))
        split = chained(
            OrtBackend(cache_dir=Path(folder)).compile(model, stages), model.graph.outputs
        )
        wanted, found = peer.run(list(model.graph.outputs), inputs), split(inputs)
        equal = all(np.array_equal(a, b) for a, b in zip(wanted, found, strict=True))
        error = max(
            np.abs(a - b).max() / np.abs(a).max() for a, b in zip(wanted, found, strict=True)
        )
        one, _ = timed(lambda: peer.run(None, inputs))
        runs = max(5, min(400, int(SAMPLE_S * 1e9 / max(one, 1))))
        measured = [
            one_round(lambda: peer.run(None, inputs), lambda: split(inputs), runs)
            for _ in range(rounds)
        ]
    wall = sorted(row[2] / row[0] for row in measured)
    used = sorted(row[3] / row[1] for row in measured)
    whole_ns = statistics.median(row[0] for row in measured)
    limit = LIMITS[whole_ns > LONG_S * 1e9]
    return (
        f"{name:<14} {whole_ns / 1e6:8.3f} ms whole   ratio {statistics.median(wall):.3f} "
        f"({wall[0]:.3f} to {wall[-1]:.3f})   processor {statistics.median(used):.3f} "
        f"({used[0]:.3f} to {used[-1]:.3f})   goal {limit:.2f}   "
        + ("bit-equal" if equal else f"error {error:.1e}")
    )


def main() -> None:
    parser = argparse.ArgumentParser(description="What splitting into stages costs on one core.")
    parser.add_argument("models", nargs="*", default=MODELS)
    parser.add_argument("--parts", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=15)
    given = parser.parse_args()
    print(f"split into {given.parts} on one core; medians of {given.rounds} rounds, in turns")
    for name in given.models:
        print(compare(name, given.parts, given.rounds), flush=True)


if __name__ == "__main__":
    main()
