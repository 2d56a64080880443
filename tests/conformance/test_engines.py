"""Models split anywhere over several real engines compute what the unsplit model does."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

import hetsched as hs
from hetsched.backends.base import HostValue
from hetsched.backends.reference import reference_outputs
from hetsched.ir.sample import sample
from hetsched.runtime.verify import verify
from tests.conformance.placements import FOUR_UNITS, random_plan

ENGINES = ("ort", "openvino", "opencl", "openvino")
FEW = [("ppocr-cls", 0)]
MANY = [(name, seed) for name in ("squeezenet", "ppocr-cls", "silero-vad") for seed in range(1, 8)]


@pytest.mark.parametrize(
    ("name", "seed"), [*FEW, *(pytest.param(*one, marks=pytest.mark.full) for one in MANY)]
)
def test_split_by_chance_over_three_engines(name: str, seed: int, tmp_path: Path) -> None:
    model = hs.load(f"zoo:{name}")
    plan = random_plan(model, seed=seed, stages=5)
    graph = model.graph
    inputs: dict[str, HostValue] = {n: sample(graph.tensors[n], seed) for n in graph.inputs}
    cached: dict[str, Any] = {"cache_dir": tmp_path}
    units = [
        hs.make_unit(engine, name=unit, **({} if engine == "opencl" else cached))
        for unit, engine in zip(FOUR_UNITS, ENGINES, strict=True)
    ]

    async def run() -> dict[str, HostValue]:
        async with hs.Runtime(units) as runtime:
            app = await runtime.deploy(plan, name="a", model=model)
            return await app(inputs)

    verified = verify(graph, reference_outputs(model.path, inputs), asyncio.run(run()))
    assert verified.passed, verified
