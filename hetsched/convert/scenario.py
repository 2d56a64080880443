"""Which scenario gets an op out of the way that a target doesn't run.

1 and 2: rules replace it. 3: it is cut off with all that comes after it (or before it), which the
host then does. 4: it stays in the middle, as a custom op or as a host stage.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from hetsched.convert.capability_finding import Finding
from hetsched.convert.rewrite import OLDEST_OPSET
from hetsched.convert.rules import BY_OP
from hetsched.convert.rules.rule import Rule, Site
from hetsched.ir.custom import custom_op
from hetsched.ir.graph import Graph, Op
from hetsched.ir.macs import macs
from hetsched.ir.model import Model

Rules: TypeAlias = Callable[[Op], tuple[Rule, ...]]
"""The rules that apply to an op."""


def rules_of(model: Model) -> Rules:
    """Looks up the rules whose own check lets them replace an op of this model."""
    onnx = model.onnx()
    opset = onnx.opset_imports.get("", 0)
    nodes = {node.name: node for node in onnx.graph}

    def applying(op: Op) -> tuple[Rule, ...]:
        if op.domain or opset < OLDEST_OPSET:
            return ()
        site = Site(nodes[op.name], opset)
        return tuple(rule for rule in BY_OP.get(op.op_type, ()) if rule.check(site) is None)

    return applying


@dataclass(frozen=True, slots=True, kw_only=True)
class Remedy:
    """What would help.

    Attributes:
        scenario: 1 to 4.
        how: in words; for 1 and 2 the rules that apply to the op. Whether the target runs what
            they make, only `hetsched convert` tells.
    """

    scenario: int
    how: str


class Remedies:
    """Finds the first scenario that may help, op by op."""

    def __init__(self, graph: Graph, rules: Rules) -> None:
        """Look at what comes before and after each op."""
        self._rules = rules
        light = {op.name for op in graph.ops if macs(graph, op) == 0}
        self._tail = _end(reversed(graph.ops), graph.readers, light)
        self._head = _end(graph.ops, graph.makers, light)

    def find(self, op: Op, found: Finding) -> Remedy | None:
        """What would help; None where nobody knows whether the op blocks, or nothing of it would.

        A rule doesn't help where just the dtype is wrong, since what it makes has the same one.
        """
        if found.kind == "unknown" or not found.backend:
            return None
        rules = self._rules(op) if found.kind == "blocked" else ()
        if rules:
            names = ", ".join(rule.name for rule in rules)
            return Remedy(scenario=min(rule.scenario for rule in rules), how=f"rules: {names}")
        custom = custom_op(op.domain, op.op_type)
        if custom is not None:
            missing = [side for side, is_there in custom.sides.items() if not is_there]
            there = [side for side, is_there in custom.sides.items() if is_there]
            told = f"registered with {', '.join(there)}; missing: {', '.join(missing) or 'none'}"
            return Remedy(scenario=4, how=f"custom op, {told}")
        if op.name in self._tail:
            return Remedy(scenario=3, how="in the tail: host post-processing")
        if op.name in self._head:
            return Remedy(scenario=3, how="in the head: host pre-processing")
        return Remedy(scenario=4, how="in the middle: custom op or host stage")


def _end(ops: Iterable[Op], beyond: Mapping[str, frozenset[str]], light: set[str]) -> set[str]:
    """Ops that neither multiply matrices nor convolve, and nor does anything beyond them.

    Args:
        ops: in an order that comes to each op after what is beyond it.
        beyond: op to its neighbours towards that end of the model.
        light: ops without multiply-accumulates.
    """
    found: set[str] = set()
    for op in ops:
        if op.name in light and beyond[op.name] <= found:
            found.add(op.name)
    return found
