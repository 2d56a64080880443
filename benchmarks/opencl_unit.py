"""A whole model on the OpenCL device and in ONNX Runtime: in turns, medians, and a ratio.

python benchmarks/opencl_unit.py [MODEL] [RUNS]

The peer is ONNX Runtime's CPU provider with one thread and with as many as there are cores: PoCL
makes a device of the same cores and uses all of them. Both outputs are compared.
"""

import os
import statistics
import sys
import time

import hetsched as hs
from hetsched.backends.base import Executable, StageSpec
from hetsched.backends.opencl import OpenCLBackend
from hetsched.backends.ort import OrtBackend
from hetsched.backends.reference import reference_outputs
from hetsched.ir.model import Model
from hetsched.ir.sample import sample
from hetsched.runtime.verify import verify

OPENCL = "OpenCL"


def ways(model: Model) -> dict[str, Executable]:
    """The whole model as one stage of each backend."""
    graph = model.graph
    spec = StageSpec(id="whole", ops=tuple(op.name for op in graph.ops), outputs=graph.outputs)
    backend = OpenCLBackend()
    print(f"device: {backend.device.name}, {backend.device.platform}")
    found = {OPENCL: backend.compile(model, [spec])[0]}
    for threads in sorted({1, len(os.sched_getaffinity(0))}):
        name = f"ONNX Runtime, {threads} threads"
        found[name] = OrtBackend(threads=threads).compile(model, [spec])[0]
    return found


def main(name: str, runs: int) -> None:
    model = hs.load(f"zoo:{name}")
    inputs = {name: sample(model.graph.tensors[name], 0) for name in model.graph.inputs}
    found = ways(model)
    times: dict[str, list[int]] = {way: [] for way in found}
    for number in range(runs + 1):  # the first is for warming up
        for way, executable in found.items():
            start = time.perf_counter_ns()
            made = executable.run(inputs)
            if number:
                times[way].append(time.perf_counter_ns() - start)
            if way == OPENCL:
                outputs = dict(zip(executable.outputs, made, strict=True))
    own = statistics.median(times[OPENCL])
    for way, taken in times.items():
        middle = statistics.median(taken)
        print(f"{way:<26}{middle / 1e6:8.2f} ms (fastest {min(taken) / 1e6:.2f})", end="")
        print("" if way == OPENCL else f"   OpenCL takes {own / middle:.1f} times that")
    expected = reference_outputs(model.path, inputs)
    right = verify(model.graph, expected, {n: outputs[n].numpy() for n in expected})
    print(f"max relative error {right.max_rel_error:.2g}, bound {right.bound:.2g}")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "squeezenet", int((sys.argv[2:] or ["9"])[0]))
