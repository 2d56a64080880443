"""HardSigmoid to primitives."""

from pathlib import Path

import onnx
import pytest

from tests.unit.convert.rules.harness import after, one, why_not

X = (2, 4, 6, 5)


@pytest.mark.parametrize("alpha", [0.2, 1 / 6, -1.0])
def test_mul_add_clip(tmp_path: Path, alpha: float) -> None:
    proto = one("HardSigmoid", X, alpha=alpha, beta=0.3)
    assert after(tmp_path, proto, "HardSigmoid") == ["Mul", "Add", "Clip"]


def test_float16(tmp_path: Path) -> None:
    proto = one("HardSigmoid", X, dtype=onnx.TensorProto.FLOAT16)
    assert after(tmp_path, proto, "HardSigmoid") == ["Mul", "Add", "Clip"]


def test_it_stays_where_nothing_clips(tmp_path: Path) -> None:
    missing = ("HardSigmoid", "Clip", "Max", "Relu")
    why = why_not(tmp_path, one("HardSigmoid", X), "hard-sigmoid", *missing)
    assert why == "its Clip blocks too: no Clip"
