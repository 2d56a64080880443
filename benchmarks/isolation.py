"""What it costs that a unit's backend lives in a process of its own.

    python benchmarks/isolation.py [--rounds 5] [--seconds 2] [MODEL ...]

One stage, the whole model on one thread, is run by ONNX Runtime in this process and in a child
process (`isolation="process"`). Calls take turns one by one, so that both see the same machine.
Printed are the median of each, and the round trip: how much longer the child's call takes, median
of the rounds with the lowest and highest one. Nothing is held against it: it is what safety from a
driver's crash costs.
"""

import argparse
import statistics
import time
from collections.abc import Callable, Mapping

from request_overhead import spread
from splitting import chain_plan, specs

import hetsched as hs
from hetsched.backends.base import Executable, HostValue
from hetsched.backends.isolated.wrap import isolated
from hetsched.backends.ort import OrtBackend
from hetsched.ir.model import Model
from hetsched.runtime.trial import fill_inputs

MODELS = ("silero-vad", "squeezenet")
Call = Callable[[], object]


def caller(stage: Executable, inputs: Mapping[str, HostValue]) -> Call:
    """Runs the stage and looks at what it made, as whoever asked for it does."""
    return lambda: [each.host() for each in stage.run(inputs)]


def take_turns(calls: tuple[Call, Call], seconds: float) -> tuple[float, float]:
    """Median time of each in us."""
    times: tuple[list[float], list[float]] = ([], [])
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for call, row in zip(calls, times, strict=True):
            start_ns = time.perf_counter_ns()
            call()
            row.append((time.perf_counter_ns() - start_ns) / 1000)
    return statistics.median(times[0]), statistics.median(times[1])


def compare(model: Model, rounds: int, seconds: float) -> list[tuple[float, float]]:
    """Median time in us here and in a child, of each round."""
    here = OrtBackend(threads=1)
    child = isolated(OrtBackend(threads=1), unit="child", cores=None)
    try:
        stages = specs(chain_plan(model, 1))
        inputs = fill_inputs(model.graph, {}, 0)[0]
        calls = tuple(caller(each.compile(model, stages)[0], inputs) for each in (here, child))
        take_turns((calls[0], calls[1]), 0.3)  # warms up
        return [take_turns((calls[0], calls[1]), seconds) for _ in range(rounds)]
    finally:
        child.release()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="*", default=MODELS)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2.0, help="per round")
    given = parser.parse_args()
    for name in given.models:
        rows = compare(hs.load(f"zoo:{name}"), given.rounds, given.seconds)
        here, child = (statistics.median(values) for values in zip(*rows, strict=True))
        print(f"{name}: {here:.0f} us here, {child:.0f} us in a child process")
        print(f"  round trip {spread([two - one for one, two in rows])} us")


if __name__ == "__main__":
    main()
