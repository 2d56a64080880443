"""Models run whole on the OpenCL device, and compared."""

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import onnx
from hypothesis import settings
from onnx import helper, numpy_helper

from hetsched.backends.base import StageSpec
from hetsched.backends.opencl import OpenCLBackend
from hetsched.backends.reference import reference_outputs
from hetsched.ir.load import load
from hetsched.ir.model import Model
from tests.conftest import FULL

EXAMPLES = settings(max_examples=1000 if FULL else 10)
"""Each one is a model that two engines load."""

EPSILON = float(np.finfo(np.float32).eps)


@cache
def device() -> OpenCLBackend:
    """One for all tests: its kernels are built once."""
    return OpenCLBackend()


def whole(model: Model, id: str = "whole") -> StageSpec:
    """All ops as one stage."""
    graph = model.graph
    outputs = tuple(name for name in graph.outputs if name in graph.producer)
    return StageSpec(id=id, ops=tuple(op.name for op in graph.ops), outputs=outputs)


def run_whole(model: Model, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The outputs of a model as one stage on the device."""
    (stage,) = device().compile(model, [whole(model)])
    made = stage.run({name: inputs[name] for name in stage.inputs})
    return {name: value.numpy() for name, value in zip(stage.outputs, made, strict=True)}


def one_op(
    folder: Path,
    op_type: str,
    inputs: Mapping[str, np.ndarray],
    constants: Mapping[str, np.ndarray | None] | None = None,
    *,
    opset: int = 21,
    outputs: int = 1,
    **attributes: Any,
) -> Model:
    """A model of one op: its inputs, then its constants (None for an omitted one)."""
    stored = constants or {}
    names = [*inputs, *("" if value is None else name for name, value in stored.items())]
    made = [f"y{i}" for i in range(outputs)]
    node = helper.make_node(op_type, names, made, "it", **attributes)
    graph = helper.make_graph(
        [node],
        "one",
        [
            helper.make_tensor_value_info(
                name, helper.np_dtype_to_tensor_dtype(array.dtype), array.shape
            )
            for name, array in inputs.items()
        ],
        [helper.make_empty_tensor_value_info(name) for name in made],
        [numpy_helper.from_array(a, name) for name, a in stored.items() if a is not None],
    )
    path = folder / "one.onnx"
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    onnx.save(onnx.shape_inference.infer_shapes(proto), path)
    return load(path)


def check_op(
    op_type: str,
    inputs: Mapping[str, np.ndarray],
    constants: Mapping[str, np.ndarray | None] | None = None,
    *,
    terms: int = 1,
    scale: float = 0.0,
    **options: Any,
) -> None:
    """Run one op on the device and in ONNX Runtime, and compare.

    Args:
        op_type: of the op.
        inputs: by name.
        constants: see `one_op`.
        terms: how many products or terms each output sums up; each adds at most one rounding in
            either computation, of what is summed up so far.
        scale: the largest that such a sum may be on its way; 0 for the largest output.
        options: see `one_op`.
    """
    with TemporaryDirectory() as folder:
        model = one_op(Path(folder), op_type, inputs, constants, **options)
        assert device().supports(model) == {op.name: None for op in model.graph.ops}
        made = run_whole(model, inputs)
        wanted = reference_outputs(model.path, dict(inputs), optimize=False)
    compare(made, wanted, terms=terms, scale=scale)


def compare(
    made: Mapping[str, np.ndarray], wanted: Mapping[str, Any], *, terms: int, scale: float
) -> None:
    """Within 2 (terms + 4) roundings of the largest sum: 4 for functions, which are 4 ulp off."""
    assert list(made) == list(wanted)
    for name, expected in wanted.items():
        found = made[name]
        assert found.dtype == expected.dtype
        assert found.shape == expected.shape
        if expected.dtype != np.float32:
            assert np.array_equal(found, expected)
            continue
        largest = max(scale, float(np.abs(expected[np.isfinite(expected)]).max(initial=0)))
        bound = 2 * (terms + 4) * EPSILON * max(largest, 1e-30)
        np.testing.assert_allclose(found, expected, rtol=8 * EPSILON, atol=bound)


def pick(rng: np.random.Generator, choices: Sequence[Any]) -> Any:
    """One of them."""
    return choices[int(rng.integers(len(choices)))]


def normal(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """Standard normal float32 values."""
    return rng.standard_normal(shape).astype(np.float32)
