"""ONNX's backend cases pass after rewriting, by each rule whose op they have."""

from collections.abc import Iterator

from hetsched.convert.rules import BY_OP, RULES
from tests.conformance.cases import Case, cases
from tests.unit.convert.rules.node_cases import Counts, try_case

MOST = 1
"""Ops of a node case. Those that spell out a function have more: they send infinities and NaN
through it (masks of attention), which only exact rules promise to keep."""

OUTDATED = frozenset({"test_PReLU_1d_multiparam", "test_PReLU_2d_multiparam",
                      "test_PReLU_3d_multiparam"})  # fmt: skip
"""Of opset 6, whose PRelu broadcasts otherwise: onnx's own conversion to opset 13 breaks them."""

NEVER = {
    "min-max-to-clip": "no case has Max or Min with a single stored number",
    "batch-norm-fold": "no case has a convolution before its BatchNormalization",
    "channel-shuffle": "no case has a Reshape, Transpose, Reshape that reorders channels",
    "conv-to-matmul": "no case has a 1x1 convolution",
    "pool-to-global": "no case has a mean over all of height and width",
    "softmax-flat": "the cases before opset 13 go over one axis",
    "slice-steps": "no case has a step over 1 that picks several places",
    "gather-to-slice": "no case gathers neighbours",
}
"""Rules that no case fits, though cases have their op, and why; the random cases cover them."""


def _cases() -> Iterator[Case]:
    for kind in ("node", "simple", "pytorch-operator", "pytorch-converted"):
        for case in cases(kind):
            if case.name not in OUTDATED and (kind != "node" or len(case.model.graph.node) <= MOST):
                yield case


def test_cases_pass_after_rewriting() -> None:
    counts, seen = Counts(), set()
    for case in _cases():
        seen |= {node.op_type for node in case.model.graph.node}
        try_case(case, counts)
    for rule in RULES:
        declined, unrun = counts.declined[rule.name].total(), counts.unrun[rule.name].total()
        print(f"{rule.name}: {counts.applied[rule.name]} pass, {declined} declined, {unrun} unrun")
    assert counts.wrong == {}
    there = {rule.name for kind in seen for rule in BY_OP.get(kind, ())}
    assert {name for name in there if not counts.applied[name]} == NEVER.keys()
