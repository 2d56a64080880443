"""Every zoo model, split, gives the unsplit model's numbers."""

import asyncio
from pathlib import Path

import numpy as np
import pytest

from hetsched.backends.base import HostValue
from hetsched.backends.ort import OrtBackend
from hetsched.backends.reference import reference_outputs
from hetsched.ir.load import load
from hetsched.ir.model import Model
from hetsched.plan.build import plan as make_plan
from hetsched.plan.model import Plan
from hetsched.runtime import Runtime, RuntimeUnit
from hetsched.runtime.trial import fill_inputs
from hetsched.runtime.verify import Verified, verify
from hetsched.soc.catalog import profile
from hetsched.zoo.catalog import names
from tests.conformance.placements import random_plan

RANDOM_PLACEMENTS = 20


async def run(model: Model, plan: Plan, cache: Path, inputs: dict[str, HostValue]) -> Verified:
    """Run a plan on a unit of ONNX Runtime for each of its units, and judge its outputs."""
    backend = OrtBackend(cache_dir=cache)
    units = dict.fromkeys(part.unit for part in plan.subgraphs)
    async with Runtime([RuntimeUnit(name=unit, backend=backend) for unit in units]) as runtime:
        app = await runtime.deploy(plan, name="split", model=model)
        outputs = await app(inputs)
    return verify(model.graph, reference_outputs(model.path, inputs), outputs)


def check(model: Model, plan: Plan, cache: Path, *, seed: int = 0) -> Verified:
    inputs, _ = fill_inputs(model.graph, {}, seed)
    verified = asyncio.run(run(model, plan, cache, inputs))
    assert verified.passed, verified
    return verified


@pytest.mark.parametrize("name", names())
def test_split_by_its_plan(name: str, tmp_path: Path) -> None:
    model = load(f"zoo:{name}")
    check(model, make_plan(model, profile("helio-g90"), time_limit_s=2.0), tmp_path)


@pytest.mark.parametrize("name", names())
def test_split_by_chance(name: str, tmp_path: Path) -> None:
    model = load(f"zoo:{name}")
    check(model, random_plan(model, seed=1, stages=8), tmp_path)


@pytest.mark.full
@pytest.mark.parametrize("seed", range(RANDOM_PLACEMENTS))
@pytest.mark.parametrize("name", names())
def test_split_by_chance_often(name: str, seed: int, tmp_path: Path) -> None:
    model = load(f"zoo:{name}")
    verified = check(model, random_plan(model, seed=seed), tmp_path, seed=seed)
    print(f"{name} {seed}: max relative error {verified.max_rel_error}")


@pytest.mark.parametrize("name", names())
def test_outputs_vary_with_the_input(name: str) -> None:
    """Equal outputs for every input would make all comparisons empty."""
    model = load(f"zoo:{name}")
    one, two = (
        reference_outputs(model.path, fill_inputs(model.graph, {}, seed)[0]) for seed in (0, 1)
    )
    for output, a in one.items():
        b = two[output]
        assert isinstance(a, np.ndarray)
        assert isinstance(b, np.ndarray)
        assert not np.array_equal(a, b)
