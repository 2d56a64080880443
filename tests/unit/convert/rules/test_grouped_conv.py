"""Grouped convolutions to plain ones."""

from collections.abc import Mapping
from pathlib import Path

import onnx

from hetsched.convert.rewrite import convert
from hetsched.ir.graph import Graph
from hetsched.ir.load import load
from tests.unit.convert.rules.harness import Without, one, values, why_not

X = (2, 4, 6, 5)


class Plain(Without):
    """Runs convolutions of one group only."""

    def blocked(self, graph: Graph) -> Mapping[str, str]:
        groups = {op.name: op.attributes.get("group", 1) for op in graph.ops}
        return {name: f"{count} groups" for name, count in groups.items() if count != 1}


def test_zeros_between_the_groups(tmp_path: Path) -> None:
    onnx.save(one("Conv", X, values(6, 2, 3, 3), values(6), group=2), tmp_path / "before.onnx")
    outcome = convert(load(tmp_path / "before.onnx"), Plain())
    (rewrite,), (op,) = outcome.rewrites, outcome.model.graph.ops
    assert rewrite.certificate.passed
    assert (rewrite.rules, rewrite.made) == (("grouped-conv",), ("Conv",))
    assert outcome.model.graph.tensors[op.inputs[1]].shape == (6, 4, 3, 3)


def test_a_single_group_is_refused(tmp_path: Path) -> None:
    why = why_not(tmp_path, one("Conv", X, values(6, 4, 3, 3)), "grouped-conv", "Conv")
    assert why == "it has one group only"
