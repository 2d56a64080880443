"""Models of one op, converted for a target that lacks some op types."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import onnx
from onnx import helper, numpy_helper

from hetsched.backends.reference import reference_outputs
from hetsched.convert.rewrite import Outcome, convert
from hetsched.convert.target import Target
from hetsched.ir.extract import save_whole
from hetsched.ir.graph import Graph
from hetsched.ir.load import load
from hetsched.ir.sample import samples

Input: TypeAlias = "tuple[int, ...] | np.ndarray | None"
"""A shape: made at run time. An array: stored. None: left out."""

RNG = np.random.default_rng(0)


class Without(Target):
    """A target that runs everything but some op types."""

    def __init__(self, *op_types: str) -> None:
        super().__init__(name="test", ways=())
        object.__setattr__(self, "op_types", op_types)

    def blocked(self, graph: Graph) -> Mapping[str, str]:
        missing = getattr(self, "op_types")  # noqa: B009  (set past the frozen dataclass)
        return {op.name: f"no {op.op_type}" for op in graph.ops if op.op_type in missing}


def values(*shape: int, dtype: Any = np.float32) -> np.ndarray:
    """Stored values, none of them near 0."""
    return np.asarray(RNG.uniform(0.5, 1.5, shape) * RNG.choice([-1, 1], shape), dtype)


def one(
    op_type: str,
    *inputs: Input,
    opset: int = 17,
    outputs: int = 1,
    dtype: int = onnx.TensorProto.FLOAT,
    before: str | None = None,
    **attributes: Any,
) -> onnx.ModelProto:
    """A model of one op; `before` names an op that its first input goes through."""
    names = ["" if given is None else f"i{index}" for index, given in enumerate(inputs)]
    made = [f"o{index}" for index in range(outputs)]
    nodes = [helper.make_node(op_type, names, made, "op", **attributes)]
    if before is not None:
        nodes[0].input[0] = "between"
        nodes.insert(0, helper.make_node(before, ["i0"], ["between"], "before"))
    given = [(name, one) for name, one in zip(names, inputs, strict=True)]
    graph = helper.make_graph(
        nodes,
        "one",
        [helper.make_tensor_value_info(n, dtype, x) for n, x in given if isinstance(x, tuple)],
        [onnx.ValueInfoProto(name=name) for name in made],
        [numpy_helper.from_array(x, n) for n, x in given if isinstance(x, np.ndarray)],
    )
    return finished(graph, opset)


def finished(graph: onnx.GraphProto, opset: int = 17) -> onnx.ModelProto:
    """The graph as a model with typed outputs."""
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    shown = onnx.ModelProto()
    shown.CopyFrom(proto)
    del shown.graph.output[:]
    known = onnx.shape_inference.infer_shapes(shown, data_prop=True).graph.value_info
    types = {info.name: info for info in known}
    for output in proto.graph.output:
        output.CopyFrom(types[output.name])
    return proto


def converted(folder: Path, proto: onnx.ModelProto, *missing: str) -> Outcome:
    """Convert for a target without `missing`, and check the numbers of the whole model.

    Outputs are equal within 1e-5 of their range (1e-2 in float16), as rules promise.
    """
    path = folder / "before.onnx"
    onnx.save(proto, path)
    model = load(path)
    outcome = convert(model, Without(*missing))
    save_whole(outcome.model, folder / "after.onnx")
    onnx.checker.check_model(onnx.load(folder / "after.onnx"), full_check=True)
    inputs = samples(model.graph)
    before, after = (
        reference_outputs(folder / f"{name}.onnx", inputs) for name in ("before", "after")
    )
    assert list(before) == list(after)
    for name, expected in before.items():
        actual = after[name]
        assert isinstance(expected, np.ndarray)
        assert isinstance(actual, np.ndarray)
        assert (expected.shape, expected.dtype) == (actual.shape, actual.dtype)
        bound = 1e-2 if expected.dtype == np.float16 else 1e-5
        finite = expected[np.isfinite(expected)].astype(np.float64)
        largest = float(np.abs(finite).max(initial=0))
        np.testing.assert_allclose(actual, expected, rtol=0, atol=bound * largest)
    return outcome


def after(folder: Path, proto: onnx.ModelProto, *missing: str) -> list[str]:
    """Op types after converting for a target without `missing`; nothing blocks any more."""
    outcome = converted(folder, proto, *missing)
    assert outcome.remaining == ()
    assert all(rewrite.certificate.passed for rewrite in outcome.rewrites)
    return [op.op_type for op in outcome.model.graph.ops]


def why_not(folder: Path, proto: onnx.ModelProto, rule: str, *missing: str) -> str:
    """Why a rule left the op as it is."""
    outcome = converted(folder, proto, *missing)
    assert outcome.rewrites == ()
    (left,) = outcome.remaining
    return dict(left.tried)[rule]
