"""What remedies cost: found by the search for rewrites and for the host's part."""

from collections.abc import Mapping
from pathlib import Path

import onnx

from hetsched.convert.check import Blocker
from hetsched.convert.price import work
from hetsched.convert.remedy_cost import priced
from hetsched.ir.graph import Graph
from hetsched.ir.load import load
from tests.unit.convert.rules.harness import Without
from tests.unit.convert.test_packing import detector


class Nothing(Without):
    """Runs no op at all."""

    def blocked(self, graph: Graph) -> Mapping[str, str]:
        return {op.name: "no" for op in graph.ops}


def blocker(op: str, op_type: str) -> Blocker:
    return Blocker(op=op, op_type=op_type, kind="blocked", reason="no", scenario=4, remedy="")


def test_each_blocker_gets_the_scenario_that_resolves_it(tmp_path: Path) -> None:
    onnx.save(detector(), tmp_path / "model.onnx")
    model = load(tmp_path / "model.onnx")
    blockers = [blocker("neg", "Neg"), blocker("softmax", "Softmax")]
    target = Without("Neg", "Softmax", "Exp")
    first, second = priced(model, target, blockers, work, lambda amount: f"{amount:.0f}")
    # Neg reads and writes 36 elements; Mul reads the -1, too, which the price counts.
    assert (first.scenario, first.remedy) == (1, "becomes Mul")
    assert first.cost == "73 in place of 72"
    # Softmax and the Mul behind it go to the host: b and a, 36 floats each, are handed over.
    assert (second.scenario, second.remedy) == (3, "in the tail")
    assert (
        second.cost == "2 ops on the host with 0.00% of multiply-accumulates, 288.0 B handed over"
    )


def test_what_stays_in_the_middle_costs_its_way_to_the_host(tmp_path: Path) -> None:
    onnx.save(detector(), tmp_path / "model.onnx")
    model = load(tmp_path / "model.onnx")
    # A target that runs nothing: nothing can be cut off, each op stays where it is.
    (found,) = priced(model, Nothing(), [blocker("argmax", "ArgMax")], work, str)
    assert found.scenario == 4
    assert found.cost == "216.0 B to the host and back"  # 36 floats in, 9 int64 out
