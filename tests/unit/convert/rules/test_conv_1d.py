"""1-D convolutions as 2-D ones."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import onnx

from hetsched.convert.rewrite import convert
from hetsched.ir.graph import Graph
from hetsched.ir.load import load
from tests.unit.convert.rules.harness import Without, one, values, why_not


class Plane(Without):
    """Runs convolutions of rank 4 only."""

    def blocked(self, graph: Graph) -> Mapping[str, str]:
        ranks = {o.name: len(graph.tensors[o.outputs[0]].shape or ()) for o in graph.ops}
        convs = (o.name for o in graph.ops if o.op_type == "Conv" and ranks[o.name] != 4)
        return dict.fromkeys(convs, "2-D only")


def test_height_1(tmp_path: Path) -> None:
    how: dict[str, Any] = {"strides": [2], "pads": [1, 2], "dilations": [2], "group": 2}
    onnx.save(one("Conv", (2, 4, 9), values(6, 2, 3), values(6), **how), tmp_path / "before.onnx")
    outcome = convert(load(tmp_path / "before.onnx"), Plane())
    assert outcome.remaining == ()
    (rewrite,) = outcome.rewrites
    assert rewrite.made == ("Reshape", "Conv", "Reshape")
    assert rewrite.certificate.passed


def test_two_spatial_axes_are_refused(tmp_path: Path) -> None:
    why = why_not(tmp_path, one("Conv", (1, 4, 5, 5), values(6, 4, 3, 3)), "conv-1d", "Conv")
    assert why == "not one spatial axis of known size"
