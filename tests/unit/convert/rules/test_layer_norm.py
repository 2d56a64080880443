"""LayerNormalization and RMSNormalization to primitives."""

from pathlib import Path

import numpy as np
import onnx

from tests.unit.convert.rules.harness import after, one, values, why_not

X = (2, 4, 6, 5)


def test_layer_norm(tmp_path: Path) -> None:
    proto = one("LayerNormalization", X, values(5), values(5), epsilon=1e-3)
    made = after(tmp_path, proto, "LayerNormalization")
    assert made == ["ReduceMean", "Sub", "Mul", "ReduceMean", "Add", "Sqrt", "Div", "Mul", "Add"]


def test_several_axes(tmp_path: Path) -> None:
    proto = one("LayerNormalization", X, values(6, 5), axis=-2)
    assert after(tmp_path, proto, "LayerNormalization")[-2:] == ["Div", "Mul"]


def test_rms_norm(tmp_path: Path) -> None:
    made = after(tmp_path, one("RMSNormalization", X, values(5), opset=23), "RMSNormalization")
    assert made == ["Mul", "ReduceMean", "Add", "Sqrt", "Div", "Mul"]


def test_float16_is_refused(tmp_path: Path) -> None:
    half = values(5, dtype=np.float16)
    proto = one("LayerNormalization", X, half, dtype=onnx.TensorProto.FLOAT16)
    why = why_not(tmp_path, proto, "layer-norm", "LayerNormalization")
    assert why == "it computes in float32 inside"
