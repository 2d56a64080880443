"""Quantised models, in each of the forms that tools write, split anywhere."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import (
    CalibrationDataReader,
    QuantFormat,
    QuantType,
    quantize_dynamic,
    quantize_static,
)

from hetsched.backends.base import HostValue
from hetsched.backends.ort import OrtBackend
from hetsched.backends.reference import reference_outputs
from hetsched.ir.load import load
from hetsched.ir.model import Model
from hetsched.plan.model import Plan
from hetsched.runtime import Runtime, RuntimeUnit
from hetsched.runtime.verify import Verified, verify
from tests.conformance.pipeline import alternating
from tests.conformance.placements import random_plan

SHAPE = (1, 8, 12, 12)
FORMS = ("qdq", "qoperator", "dynamic")
MARKS = {"qdq": "DequantizeLinear", "qoperator": "QLinearConv", "dynamic": "MatMulInteger"}


def float_model(path: Path) -> None:
    """Two branches of convolutions, added, pooled, then two matrix products."""
    rng = np.random.default_rng(0)
    weights = {
        "w0": rng.normal(0, 0.2, (16, 8, 3, 3)),
        "w1": rng.normal(0, 0.2, (16, 16, 3, 3)),
        "w2": rng.normal(0, 0.2, (16, 16, 1, 1)),
        "w3": rng.normal(0, 0.2, (16, 32)),
        "w4": rng.normal(0, 0.2, (32, 10)),
    }
    node = helper.make_node
    nodes = [
        node("Conv", ["x", "w0"], ["a"], name="stem", pads=[1, 1, 1, 1]),
        node("Relu", ["a"], ["b"], name="stem_relu"),
        node("Conv", ["b", "w1"], ["c"], name="left", pads=[1, 1, 1, 1]),
        node("Conv", ["b", "w2"], ["d"], name="right"),
        node("Add", ["c", "d"], ["e"], name="join"),
        node("Relu", ["e"], ["f"], name="join_relu"),
        node("GlobalAveragePool", ["f"], ["g"], name="pool"),
        node("Flatten", ["g"], ["h"], name="flat"),
        node("MatMul", ["h", "w3"], ["i"], name="dense"),
        node("Relu", ["i"], ["j"], name="dense_relu"),
        node("MatMul", ["j", "w4"], ["y"], name="head"),
    ]
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, SHAPE)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 10])],
        [numpy_helper.from_array(v.astype(np.float32), name) for name, v in weights.items()],
    )
    onnx.save(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), path
    )


class Samples(CalibrationDataReader):  # type: ignore[misc]  # the base class is untyped
    """Ten random inputs for the calibration of activation ranges."""

    def __init__(self) -> None:
        rng = np.random.default_rng(1)
        self.left: Iterator[np.ndarray] = iter(
            [rng.standard_normal(SHAPE).astype(np.float32) for _ in range(10)]
        )

    def get_next(self) -> dict[str, np.ndarray] | None:
        array = next(self.left, None)
        return None if array is None else {"x": array}


@pytest.fixture(params=FORMS)
def model(request: pytest.FixtureRequest, tmp_path: Path) -> Model:
    source, target = tmp_path / "float.onnx", tmp_path / f"{request.param}.onnx"
    float_model(source)
    if request.param == "dynamic":
        quantize_dynamic(
            source, target, weight_type=QuantType.QInt8, op_types_to_quantize=["MatMul"]
        )
    else:
        form = QuantFormat.QDQ if request.param == "qdq" else QuantFormat.QOperator
        quantize_static(source, target, Samples(), quant_format=form)
    loaded = load(target)
    assert MARKS[request.param] in {op.op_type for op in loaded.graph.ops}
    return loaded


def run(model: Model, plan: Plan, cache: Path) -> Verified:
    async def outputs(inputs: dict[str, HostValue]) -> dict[str, HostValue]:
        backend = OrtBackend(cache_dir=cache)
        units = dict.fromkeys(part.unit for part in plan.subgraphs)
        async with Runtime([RuntimeUnit(name=unit, backend=backend) for unit in units]) as runtime:
            app = await runtime.deploy(plan, name="q", model=model)
            return await app(inputs)

    inputs: dict[str, HostValue] = {
        "x": np.random.default_rng(2).standard_normal(SHAPE).astype(np.float32)
    }
    return verify(model.graph, reference_outputs(model.path, inputs), asyncio.run(outputs(inputs)))


def test_every_op_its_own_stage(model: Model, tmp_path: Path) -> None:
    verified = run(model, alternating(model), tmp_path / "cache")
    assert verified.dtype == "int8"
    assert verified.passed, verified


@pytest.mark.parametrize("seed", range(4))
def test_split_by_chance(model: Model, seed: int, tmp_path: Path) -> None:
    verified = run(model, random_plan(model, seed=seed), tmp_path / "cache")
    assert verified.passed, verified
