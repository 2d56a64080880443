"""Plan a model for a phone's SoC, then run the plan on this machine from an asyncio application."""

import asyncio

import numpy as np

import hetsched as hs


async def main() -> None:
    # A path works too: hs.load("det.onnx", shapes={"x": (1, 3, 480, 640)})
    model = hs.load("zoo:ppocr-cls")
    plan = hs.plan(model, hs.profile("helio-g90"))
    assert plan.objective.bound <= plan.latency_ns  # no placement is faster than the bound

    images = np.random.default_rng(0).random((2, 1, 3, 48, 192), dtype=np.float32)
    async with hs.Runtime(hs.host_units()) as runtime:
        classify = await runtime.deploy(plan, name="direction", model=model)
        results = await asyncio.gather(*(classify({"x": image}) for image in images))

    for outputs in results:
        for name, values in outputs.items():
            print(f"{name}: shape {values.shape}, scores sum to {values.sum():.3f}")


if __name__ == "__main__":
    asyncio.run(main())
