"""Measured costs against plain sessions: do a model's groups add up to what the model takes?

For each zoo model, in turns: measure its groups on this machine (nothing from the store), and run a
plain ONNX Runtime session of the prepared model, all optimisations on. Prints the predicted time
(dispatch + groups), the session's time, their ratio, and next to it the ratio of the session's
slowest to fastest round: the machine's own unrest.

    python benchmarks/measured_costs.py [--rounds 3] [MODEL ...]
"""

import argparse
import statistics
import tempfile
from pathlib import Path
from time import perf_counter_ns, thread_time_ns

import onnxruntime as ort

from hetsched.backends.ort_profile import RunTime
from hetsched.cost.measure import repeat, work_ns
from hetsched.cost.measured import host_costs
from hetsched.ir.extract import save_whole
from hetsched.ir.load import load
from hetsched.ir.model import Model
from hetsched.ir.sample import samples
from hetsched.zoo.catalog import names

SESSION_S = 1.0


class Session:
    """ONNX Runtime on the whole prepared model, one thread, as its users run it."""

    def __init__(self, model: Model) -> None:
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        options.log_severity_level = 3
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "model.onnx"
            save_whole(model, path)
            self._session = ort.InferenceSession(
                str(path), options, providers=["CPUExecutionProvider"]
            )
        self._feeds = samples(model.graph)

    def median_ns(self) -> float:
        """Of about a second of runs."""
        first = self._run()
        times = max(5, round(SESSION_S * 1e9 / max(1, first.wall_ns)))
        return statistics.median(work_ns(repeat(self._run, times=min(times, 1000), warm_up=2)))

    def _run(self) -> RunTime:
        wall, cpu = perf_counter_ns(), thread_time_ns()
        self._session.run(None, self._feeds)
        cpu_ns = thread_time_ns() - cpu
        return RunTime(wall_ns=perf_counter_ns() - wall, cpu_ns=cpu_ns)


def predicted_ns(model: Model) -> int:
    """A dispatch and all groups on the first core, measured anew."""
    with tempfile.TemporaryDirectory() as folder:
        profile, costs = host_costs(model, store=Path(folder) / "costs.sqlite")
    unit = profile.units[0]
    groups_ns = sum(costs.costs[group.name, unit.name].latency_ns for group in costs.groups)
    return unit.dispatch_ns + groups_ns


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="*", default=names())
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    print(f"{'model':16} {'predicted':>12} {'session':>12} {'ratio':>6} {'unrest':>7}")
    for name in arguments.models:
        model = load(f"zoo:{name}")
        session = Session(model)
        rounds = [(predicted_ns(model), session.median_ns()) for _ in range(arguments.rounds)]
        predicted = statistics.median(row[0] for row in rounds)
        times = [row[1] for row in rounds]
        taken = statistics.median(times)
        print(
            f"{name:16} {predicted / 1e6:9.3f} ms {taken / 1e6:9.3f} ms {predicted / taken:6.3f} "
            f"{max(times) / min(times):7.3f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
