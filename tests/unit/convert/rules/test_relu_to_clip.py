"""Relu to Clip."""

from pathlib import Path

import onnx
import pytest

from tests.unit.convert.rules.harness import after, one, why_not

X = (2, 4, 6, 5)


@pytest.mark.parametrize("opset", [9, 17])
def test_relu_becomes_a_clip_from_0(tmp_path: Path, opset: int) -> None:
    assert after(tmp_path, one("Relu", X, opset=opset), "Relu") == ["Clip"]


def test_integers_are_refused(tmp_path: Path) -> None:
    proto = one("Relu", X, dtype=onnx.TensorProto.INT32)
    assert "isn't float" in why_not(tmp_path, proto, "relu-to-clip", "Relu")
