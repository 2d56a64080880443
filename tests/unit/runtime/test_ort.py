"""The runtime over ONNX Runtime: kinds of outputs that a fake backend doesn't have."""

import asyncio
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from hetsched.ir.load import load
from hetsched.ir.model import Model
from hetsched.plan.model import Plan
from hetsched.runtime import Runtime, host_units
from tests.unit.runtime.plans import plan_of


def save(path: Path, graph: onnx.GraphProto) -> Model:
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.save(model, path)
    return load(path)


def run(model: Model, plan: Plan, inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    async def main() -> dict[str, np.ndarray]:
        async with Runtime(host_units()) as runtime:
            app = await runtime.deploy(plan, name="a", model=model)
            return await app(inputs)

    return asyncio.run(main())


def test_constants_and_inputs_among_the_outputs(tmp_path: Path) -> None:
    floats = ("y", "c", "x")
    graph = helper.make_graph(
        [helper.make_node("Neg", ["x"], ["y"], name="neg")],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [2])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, [2]) for name in floats],
        [numpy_helper.from_array(np.array([5, 6], np.float32), "c")],
    )
    model = save(tmp_path / "m.onnx", graph)
    outputs = run(model, plan_of(model, [("u", ["neg"])]), {"x": np.array([1, 2], np.float32)})
    assert list(outputs) == ["y", "c", "x"]
    assert [value.tolist() for value in outputs.values()] == [[-1, -2], [5, 6], [1, 2]]


def test_text_goes_from_stage_to_stage(tmp_path: Path) -> None:
    text = TensorProto.STRING
    graph = helper.make_graph(
        [
            helper.make_node("Identity", ["x"], ["a"], name="first"),
            helper.make_node("Concat", ["a", "x"], ["y"], name="second", axis=0),
        ],
        "g",
        [helper.make_tensor_value_info("x", text, [1])],
        [helper.make_tensor_value_info(name, text, None) for name in ("y", "a")],
    )
    model = save(tmp_path / "m.onnx", graph)
    ops = [op.name for op in model.graph.ops]
    plan = plan_of(model, [(f"u{i}", [op]) for i, op in enumerate(ops)])
    outputs = run(model, plan, {"x": np.array(["é"], object)})
    assert outputs["y"].tolist() == ["é", "é"]


def test_outputs_live_on_when_the_runtime_is_closed(tmp_path: Path) -> None:
    """An output may be a view of the backend's memory: it must keep that alive."""
    shape = [1, 64, 64]
    graph = helper.make_graph(
        [
            helper.make_node("Neg", ["x"], ["a"], name="first"),
            helper.make_node("Neg", ["a"], ["y"], name="second"),
        ],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name in ("y", "a")],
    )
    model = save(tmp_path / "m.onnx", graph)
    plan = plan_of(model, [("u", ["first"]), ("v", ["second"])])
    x = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    kept = [run(model, plan, {"x": x + i}) for i in range(5)]
    for i, outputs in enumerate(kept):
        np.testing.assert_array_equal(outputs["a"], -(x + i))
        np.testing.assert_array_equal(outputs["y"], x + i)
