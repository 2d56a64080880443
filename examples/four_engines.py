"""Four engines at once: ONNX Runtime's CPU provider, OpenVINO, OpenCL, and an emulated NPU.

Three models, each with stages on all four, several requests of each in flight, every output
checked against the unsplit model. It needs the extras openvino, qnn and, where the machine has no
OpenCL device of its own, pocl.
"""

import asyncio
from pathlib import Path

import numpy as np

import hetsched as hs
from hetsched.backends.reference import reference_outputs
from hetsched.runtime.verify import verify

PROFILE = hs.profile(str(Path(__file__).with_suffix(".toml")))
ENGINES = {"cpu": hs.host_units()[0].name, "second-cpu": "openvino", "gpu": "opencl", "npu": "qnn"}
REQUESTS = 2  # of each model, all of them at once

# Model to how many pieces the first three engines take in turn, and the ops that the NPU gets: few
# and small ones, since it is emulated and thousands of times slower than the real one.
MODELS = {
    "squeezenet": (4, slice(63, 65)),
    "ppocr-cls": (6, slice(228, 233)),
    "ppocr-det": (9, slice(302, 306)),
}


def forced(model: hs.Model, pieces: int, npu: slice) -> hs.Plan:
    """A plan whose every op is pinned to a unit; pieces begin at a convolution."""
    ops = model.graph.ops
    pins, piece, left = {}, -1, 0
    for op in ops:
        if left <= 0 and op.op_type == "Conv":
            piece, left = piece + 1, len(ops) // pieces
        left -= 1
        pins[op.name] = ("cpu", "second-cpu", "gpu")[piece % 3]
    pins.update({op.name: "npu" for op in ops[npu]})
    return hs.plan(model, PROFILE, pins=pins, gap=0.9)


def page(shape: list[int], seed: int) -> np.ndarray:
    """A picture (N, C, H, W) of dark marks in lines on white paper."""
    rng = np.random.default_rng(seed)
    image = np.ones(shape, np.float32)
    for top in range(8, shape[2] - 12, 24):
        for left in range(8, shape[3] - 10, 14):
            if rng.random() < 0.7:
                image[:, :, top : top + 12, left : left + 10] = rng.random((12, 10)) > 0.5
    return image


async def main() -> None:
    units = (hs.host_units()[0], *hs.units("openvino", "opencl", "qnn"))
    calls = []
    async with hs.Runtime(units) as runtime:
        for name, how in MODELS.items():
            model = hs.load(f"zoo:{name}")
            plan = forced(model, *how)
            app = await runtime.deploy(plan, name=name, model=model, mapping=ENGINES)
            (entry,) = model.graph.inputs
            shape = [dim or 1 for dim in model.graph.tensors[entry].shape or ()]
            for seed in range(REQUESTS):
                inputs = {entry: page(shape, seed)}
                calls.append((model, inputs, app.request(inputs)))
        results = await asyncio.gather(*(call for _, _, call in calls))
    right = 0
    for (model, inputs, _), result in zip(calls, results, strict=True):
        expected = reference_outputs(model.path, inputs)
        judged = verify(model.graph, expected, result.outputs, computed_in={"float16"})
        right += judged.passed
        engines = sorted({stage.backend for stage in result.stages})
        verdict = "right" if judged.passed else f"off by {judged.max_rel_error}"
        print(f"{model.name}: {verdict}, on {', '.join(engines)}")
    print(f"{right} of {len(results)} right, the NPU's float16 allowed for")


asyncio.run(main())
