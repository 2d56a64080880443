"""LeakyRelu and PRelu to primitives."""

from pathlib import Path

import numpy as np
import onnx

from tests.unit.convert.rules.harness import after, one, values, why_not

X = (2, 4, 6, 5)
MADE = ["Add", "Mul", "Neg", "Relu", "Relu"]


def test_leaky_relu(tmp_path: Path) -> None:
    assert sorted(after(tmp_path, one("LeakyRelu", X, alpha=0.2), "LeakyRelu", "PRelu")) == MADE


def test_prelu(tmp_path: Path) -> None:
    assert sorted(after(tmp_path, one("PRelu", X, values(4, 1, 1)), "PRelu")) == MADE
    assert sorted(after(tmp_path, one("PRelu", X, (4, 1, 1)), "PRelu")) == sorted([*MADE, "Neg"])


def test_integers_are_refused(tmp_path: Path) -> None:
    proto = one("PRelu", X, values(4, 1, 1, dtype=np.int32), dtype=onnx.TensorProto.INT32)
    assert "isn't float" in why_not(tmp_path, proto, "leaky-relu", "PRelu")
