"""Rewrites and host stages in plans: chosen by cost, stored, repeated, refused when they differ."""

import asyncio
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from hetsched.backends.reference import reference_outputs
from hetsched.errors import InfeasibleError, PlanError
from hetsched.ir.load import load
from hetsched.ir.model import Model
from hetsched.plan.build import Request, make
from hetsched.plan.build import plan as make_plan
from hetsched.plan.files import as_planned, load_model_for, load_plan, save_plan
from hetsched.runtime import Runtime, host_units
from hetsched.soc.catalog import profile


def network(tmp_path: Path, activation: str, blocks: int = 4, last: str | None = None) -> Path:
    """Convolutions of 64 channels on 56 x 56, each followed by the activation."""
    rng = np.random.default_rng(0)
    nodes, weights = [], []
    before = "x"
    for at in range(blocks):
        weight = rng.standard_normal((64, 64, 3, 3)).astype(np.float32) * 0.02
        weights.append(onnx.numpy_helper.from_array(weight, f"w{at}"))
        pads = {"pads": [1, 1, 1, 1]}
        nodes.append(helper.make_node("Conv", [before, f"w{at}"], [f"c{at}"], f"conv{at}", **pads))
        nodes.append(helper.make_node(activation, [f"c{at}"], [f"a{at}"], f"act{at}"))
        before = f"a{at}"
    if last is not None:
        nodes.append(helper.make_node(last, [before], ["y"], "last"))
        before = "y"
    shape = [1, 64, 56, 56]
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info(before, TensorProto.FLOAT, shape)],
        weights,
    )
    path = tmp_path / "model.onnx"
    opsets = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=8), path)
    return path


@pytest.fixture(scope="module")
def swish(tmp_path_factory: pytest.TempPathFactory) -> Model:
    """HardSwish keeps the Helio G90's APU out; Mul, Add, Clip and Mul don't."""
    return load(network(tmp_path_factory.mktemp("swish"), "HardSwish"))


def test_rewrites_are_taken_where_they_pay(swish: Model, tmp_path: Path) -> None:
    soc = profile("helio-g90")
    plain = make_plan(swish, soc)
    rewritten = make_plan(swish, soc, rewrite=True)
    assert plain.rewrites == ()
    assert rewritten.objective.value < plain.objective.value
    assert [op for one in rewritten.rewrites for op in one.ops] == [f"act{i}" for i in range(4)]
    first = rewritten.rewrites[0]
    assert first.rule == "hard-swish"
    assert first.max_rel_error is not None
    assert first.bound is not None
    assert first.max_rel_error <= first.bound
    # The file names what was done; loading does it again and finds the same graph.
    save_plan(rewritten, tmp_path / "m.plan.json")
    stored = load_plan(tmp_path / "m.plan.json")
    again = load_model_for(stored, tmp_path / "m.plan.json")
    assert again.prepared_sha256 == stored.model.prepared_sha256 != swish.prepared_sha256
    assert as_planned(stored, again) is again
    assert {op for part in stored.subgraphs for op in part.ops} == set(again.graph.op)


def test_the_same_plan_every_time(swish: Model) -> None:
    soc = profile("helio-g90")
    first, second = (make_plan(swish, soc, rewrite=True) for _ in range(2))
    assert first == second


def test_rewrites_that_cant_be_repeated_are_refused(swish: Model) -> None:
    plan = make_plan(swish, profile("helio-g90"), rewrite=True)
    first = plan.rewrites[0]
    wrong = msgspec.structs.replace(first, steps=((0, "no-such-rule"),))
    with pytest.raises(PlanError, match="can't be repeated: there is no rule 'no-such-rule'"):
        as_planned(msgspec.structs.replace(plan, rewrites=(wrong,)), swish)
    less = msgspec.structs.replace(first, ops=first.ops[:1])
    with pytest.raises(PlanError, match="plan it again"):
        as_planned(msgspec.structs.replace(plan, rewrites=(less,)), swish)


def test_pinned_ops_arent_rewritten(swish: Model) -> None:
    pins = {f"act{i}": "cpu-big" for i in range(4)}
    plan = make_plan(swish, profile("helio-g90"), rewrite=True, pins=pins)
    assert plan.rewrites == ()


def test_nothing_to_rewrite_leaves_the_plan_as_it_is(tmp_path: Path) -> None:
    model, soc = load(network(tmp_path, "Relu", blocks=2)), profile("helio-g90")
    plain, asked = make_plan(model, soc), make_plan(model, soc, rewrite=True)
    assert asked.options.rewrite
    options = msgspec.structs.replace(asked.options, rewrite=False)
    assert msgspec.structs.replace(asked, options=options) == plain


def test_what_no_unit_runs_is_a_host_stage(tmp_path: Path) -> None:
    # MACE has no Erf on any backend; ONNX Runtime's CPU provider has.
    model, soc = load(network(tmp_path, "Relu", blocks=1, last="Erf")), profile("helio-g90")
    made = make(model, soc, Request(framework="mace"))
    (stage,) = made.plan.host_stages
    assert stage.ops == ("last",)
    home = next(part for part in made.plan.subgraphs if part.id == stage.name)
    assert home.unit == soc.home
    assert any(note.startswith("host stage: 1 Erf run on no unit (MACE") for note in made.notes)
    assert make(model, soc, Request()).plan.host_stages == ()


def test_a_pin_to_a_unit_that_refuses_stays_infeasible(tmp_path: Path) -> None:
    model, soc = load(network(tmp_path, "Relu", blocks=1, last="Erf")), profile("helio-g90")
    request = replace(Request(framework="mace"), pins={"last": "apu"})
    with pytest.raises(InfeasibleError, match="last"):
        make(model, soc, request)


def test_a_deployed_plan_rewrites_the_model_it_is_given(swish: Model) -> None:
    plan = make_plan(swish, profile("helio-g90"), rewrite=True)
    assert plan.rewrites
    x = np.random.default_rng(1).standard_normal((1, 64, 56, 56)).astype(np.float32)

    async def outputs() -> dict[str, np.ndarray]:
        async with Runtime(host_units()) as runtime:
            app = await runtime.deploy(plan, name="swish", model=swish)
            return await app({"x": x})

    found = asyncio.run(outputs())
    expected = reference_outputs(swish.path, {"x": x})
    for name, array in expected.items():
        assert isinstance(array, np.ndarray)
        bound = 1e-4 * float(np.abs(array).max())
        np.testing.assert_allclose(found[name], array, rtol=0, atol=bound)
