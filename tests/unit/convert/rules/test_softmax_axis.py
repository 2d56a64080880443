"""Softmax over the last axis."""

from collections.abc import Mapping
from pathlib import Path

import onnx

from hetsched.convert.rewrite import convert
from hetsched.ir.graph import Graph
from hetsched.ir.load import load
from tests.unit.convert.rules.harness import Without, one, why_not

X = (2, 4, 6, 5)


class LastAxis(Without):
    """Runs Softmax over the last axis only."""

    def blocked(self, graph: Graph) -> Mapping[str, str]:
        wrong = (op for op in graph.ops if op.op_type.endswith("Softmax"))
        return {op.name: "last axis only" for op in wrong if op.attributes["axis"] not in (-1, 3)}


def test_between_two_transposes(tmp_path: Path) -> None:
    for op_type in ("Softmax", "LogSoftmax"):
        onnx.save(one(op_type, X, axis=1), tmp_path / "before.onnx")
        outcome = convert(load(tmp_path / "before.onnx"), LastAxis())
        assert outcome.remaining == ()
        assert outcome.rewrites[0].made == ("Transpose", op_type, "Transpose")


def test_the_last_axis_is_refused(tmp_path: Path) -> None:
    missing = ("Softmax", "Exp")
    why = why_not(tmp_path, one("Softmax", X), "softmax-axis", *missing)
    assert why == "it goes over the last axis already"
