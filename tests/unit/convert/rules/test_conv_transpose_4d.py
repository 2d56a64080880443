"""ConvTranspose in at most 4 dimensions."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import onnx
import pytest

from hetsched.convert.rewrite import convert
from hetsched.ir.graph import Graph
from hetsched.ir.load import load
from tests.unit.convert.rules.harness import Without, one, values, why_not


class Flat(Without):
    """No transposed convolution, at most 4 dimensions."""

    def blocked(self, graph: Graph) -> Mapping[str, str]:
        ranks = {o.name: len(graph.tensors[o.outputs[0]].shape or ()) for o in graph.ops}
        wrong = ("ConvTranspose", "DepthToSpace")
        return {o.name: "no" for o in graph.ops if o.op_type in wrong or ranks[o.name] > 4}


@pytest.mark.parametrize("group", [1, 2])
@pytest.mark.parametrize("strides", [[2, 2], [1, 3], [3, 2]], ids=str)
def test_ranks_stay_low(tmp_path: Path, strides: list[int], group: int) -> None:
    how: dict[str, Any] = {"strides": strides, "pads": [1, 0, 1, 1], "group": group}
    proto = one("ConvTranspose", (2, 4, 3, 5), values(4, 3, 3, 2), values(3 * group), **how)
    onnx.save(proto, tmp_path / "before.onnx")
    outcome = convert(load(tmp_path / "before.onnx"), Flat())
    assert outcome.remaining == ()
    assert outcome.rewrites[0].rules == ("conv-transpose-4d",)
    assert outcome.rewrites[0].certificate.passed


def test_one_spatial_axis_is_refused(tmp_path: Path) -> None:
    proto = one("ConvTranspose", (1, 4, 7), values(4, 3, 4), strides=[2])
    why = why_not(tmp_path, proto, "conv-transpose-4d", "ConvTranspose", "Transpose")
    assert why == "not two spatial axes"
