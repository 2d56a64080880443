"""Reductions that drop dimensions."""

from collections.abc import Mapping
from pathlib import Path

import onnx

from hetsched.convert.rewrite import convert
from hetsched.ir.graph import Graph
from hetsched.ir.load import load
from tests.unit.convert.rules.harness import Without, one, why_not

X = (2, 4, 6, 5)


class Kept(Without):
    """Runs reductions that keep their dimensions only."""

    def blocked(self, graph: Graph) -> Mapping[str, str]:
        return {op.name: "keepdims" for op in graph.ops if op.attributes.get("keepdims", 1) == 0}


def test_a_reshape_drops_them(tmp_path: Path) -> None:
    for op_type, how in (("ReduceMax", {"axes": [1]}), ("ArgMax", {"axis": 2})):
        onnx.save(one(op_type, X, keepdims=0, **how), tmp_path / "before.onnx")
        outcome = convert(load(tmp_path / "before.onnx"), Kept())
        assert outcome.rewrites[0].made == (op_type, "Reshape")
        assert outcome.rewrites[0].certificate.max_abs_error == (0.0,)
        assert outcome.remaining == ()


def test_kept_dimensions_are_refused(tmp_path: Path) -> None:
    why = why_not(tmp_path, one("ReduceMax", X, axes=[1]), "reduce-keepdims", "ReduceMax")
    assert why == "it keeps its dimensions already"
