"""Channel shuffles to a convolution."""

from pathlib import Path

import numpy as np
import onnx
from onnx import helper, numpy_helper

from tests.unit.convert.rules.harness import converted, finished


def model(split: list[int], perm: list[int], joined: list[int]) -> onnx.ModelProto:
    nodes = [
        helper.make_node("Reshape", ["x", "split"], ["a"], "first"),
        helper.make_node("Transpose", ["a"], ["b"], "turn", perm=perm),
        helper.make_node("Reshape", ["b", "joined"], ["y"], "last"),
    ]
    stored = {"split": np.array(split), "joined": np.array(joined)}
    return finished(
        helper.make_graph(
            nodes,
            "g",
            [helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, (2, 6, 4, 5))],
            [onnx.ValueInfoProto(name="y")],
            [numpy_helper.from_array(value, name) for name, value in stored.items()],
        )
    )


def test_three_ops_become_one(tmp_path: Path) -> None:
    proto = model([2, 3, 2, 4, 5], [0, 2, 1, 3, 4], [2, 6, 4, 5])
    outcome = converted(tmp_path, proto, "Reshape", "Transpose")
    assert [op.op_type for op in outcome.model.graph.ops] == ["Conv"]
    assert outcome.rewrites[0].certificate.max_abs_error == (0.0,)
    assert outcome.remaining == ()


def test_other_transposes_are_refused(tmp_path: Path) -> None:
    proto = model([2, 3, 2, 4, 5], [0, 2, 1, 4, 3], [2, 6, 4, 5])
    outcome = converted(tmp_path, proto, "Reshape", "Transpose")
    assert outcome.rewrites == ()
    assert "only reorders channels" in dict(outcome.remaining[-1].tried)["channel-shuffle"]
