"""Sub to Add."""

from pathlib import Path

import onnx

from tests.unit.convert.rules.harness import after, one, values, why_not

X = (2, 4, 6, 5)


def test_a_stored_subtrahend_is_negated(tmp_path: Path) -> None:
    assert after(tmp_path, one("Sub", X, values(4, 1, 1)), "Sub") == ["Add"]


def test_others_go_through_neg(tmp_path: Path) -> None:
    assert after(tmp_path, one("Sub", X, X), "Sub") == ["Neg", "Add"]
    assert after(tmp_path, one("Sub", values(4, 1, 1), X), "Sub") == ["Neg", "Add"]


def test_integers(tmp_path: Path) -> None:
    proto = one("Sub", X, X, dtype=onnx.TensorProto.INT32)
    assert after(tmp_path, proto, "Sub") == ["Neg", "Add"]


def test_unsigned_integers_are_refused(tmp_path: Path) -> None:
    proto = one("Sub", X, X, dtype=onnx.TensorProto.UINT32)
    assert "no negative numbers" in why_not(tmp_path, proto, "sub-to-add", "Sub")
