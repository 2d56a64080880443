"""BatchNormalization folded into a convolution."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from tests.unit.convert.rules.harness import after, finished, values, why_not

NAMES = ("scale", "bias", "mean", "var")


def model(
    op_type: str, weights: np.ndarray, bias: bool, shared: bool = False, **attributes: int
) -> onnx.ModelProto:
    stored = {"w": weights, "b": values(4)}
    stored |= {name: np.abs(values(4)) for name in NAMES}
    inputs = ["x", "w", "b"] if bias else ["x", "w"]
    nodes = [
        helper.make_node(op_type, inputs, ["c"], "conv", **attributes),
        helper.make_node("BatchNormalization", ["c", *NAMES], ["y"], "bn"),
    ]
    outputs = ["y", "c"] if shared else ["y"]
    return finished(
        helper.make_graph(
            nodes,
            "g",
            [helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, (1, 4, 5, 6))],
            [onnx.ValueInfoProto(name=name) for name in outputs],
            [numpy_helper.from_array(value, name) for name, value in stored.items()],
        )
    )


@pytest.mark.parametrize("bias", [False, True])
def test_into_conv(tmp_path: Path, bias: bool) -> None:
    for proto in (
        model("Conv", values(4, 4, 3, 3), bias),
        model("Conv", values(4, 1, 3, 3), bias, group=4),
    ):
        assert after(tmp_path, proto, "BatchNormalization") == ["Conv"]


def test_into_transposed_convolution(tmp_path: Path) -> None:
    proto = model("ConvTranspose", values(4, 2, 3, 3), bias=True, group=2)
    assert after(tmp_path, proto, "BatchNormalization") == ["ConvTranspose"]


def test_a_convolution_with_other_readers_is_refused(tmp_path: Path) -> None:
    proto = model("Conv", values(4, 4, 3, 3), bias=True, shared=True)
    why = why_not(tmp_path, proto, "batch-norm-fold", "BatchNormalization", "Mul")
    assert why == "its convolution has other readers"
