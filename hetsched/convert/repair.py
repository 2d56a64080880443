"""Finding the cheapest supported ops for one op: rules, and rules for what rules make.

An op is supported by a rule when the target runs each op that the rule makes, or when that op is
supported by a rule in turn. The cost of a replacement is the sum over its ops, so the cheapest one
of the whole holds the cheapest one of each part, and the search over all rules finds it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import onnx_ir as ir

from hetsched.convert.price import Price
from hetsched.convert.rules import BY_OP
from hetsched.convert.rules.rule import Exactness, Rule, Site
from hetsched.convert.rules.tape import Tape, detach
from hetsched.convert.target import Target
from hetsched.ir.build import describe_nodes

Step: TypeAlias = tuple[int, str]
"""Replace the node at this place of the list by what this rule makes of it. The list starts with
the op alone."""


@dataclass(slots=True, kw_only=True)
class Repair:
    """A replacement for an op, in no graph yet.

    Attributes:
        steps: how to make it again.
        exactness: the weakest of the rules'.
        nodes: in the order of computation.
        outputs: for the op's outputs, in their order.
        cost: of the nodes.
    """

    steps: tuple[Step, ...]
    exactness: Exactness
    nodes: list[ir.Node]
    outputs: list[ir.Value]
    cost: float = 0.0

    @property
    def rules(self) -> tuple[str, ...]:
        """In the order in which they were applied."""
        return tuple(rule for _, rule in self.steps)

    @property
    def makes_all(self) -> bool:
        """Whether its nodes make every output, and none is just an input handed on."""
        made = {value for node in self.nodes for value in node.outputs}
        return all(value in made for value in self.outputs)

    def replaced(self, node: ir.Node) -> tuple[list[ir.Value], list[ir.Value]]:
        """Outputs of an op that aren't left out, and what takes their place."""
        pairs = [
            (old, new)
            for old, new in zip(node.outputs, self.outputs, strict=False)
            if old.name or old.uses()
        ]
        return [old for old, _ in pairs], [new for _, new in pairs]

    def constants(self) -> list[ir.Value]:
        """Stored values that it brings along."""
        read = [value for node in self.nodes for value in node.inputs if value is not None]
        new = [v for v in (*read, *self.outputs) if v.const_value is not None and _is_new(v)]
        return list(dict.fromkeys(new))

    def discard(self) -> None:
        """Take it back: it no longer counts among the readers of any value."""
        for node in self.nodes:
            detach(node)
        self.nodes.clear()


def _is_new(value: ir.Value) -> bool:
    return value.producer() is None and not value.is_initializer()


def apply_rule(
    rule: Rule, node: ir.Node, opset: int, fresh: Callable[[str], str]
) -> tuple[Repair | None, str]:
    """What a rule makes of an op, or why it doesn't apply.

    Args:
        rule: which.
        node: the op.
        opset: version of ai.onnx.
        fresh: makes a name for a node or value from its kind.
    """
    if any(value is not None and value.dtype is None for value in node.inputs):
        return None, "an input is no tensor, or its dtype isn't known"
    site = Site(node, opset)
    why = rule.check(site)
    if why is not None:
        return None, why
    tape = Tape(opset, fresh)
    made = rule.rewrite(site, tape)
    outputs = [made] if isinstance(made, ir.Value) else list(made)
    steps = ((0, rule.name),)
    return Repair(steps=steps, exactness=rule.exactness, nodes=tape.nodes, outputs=outputs), ""


class Repairer:
    """Looks for replacements that a target runs."""

    def __init__(
        self, target: Target, opset: int, fresh: Callable[[str], str], price: Price
    ) -> None:
        """Prepare.

        Args:
            target: what has to run the replacement.
            opset: version of ai.onnx.
            fresh: makes a name for a node or value from its kind.
            price: of a replacement.
        """
        self._target = target
        self._opset = opset
        self._fresh = fresh
        self._price = price

    def repairs(
        self, node: ir.Node, used: frozenset[str], failed: list[tuple[str, str]]
    ) -> list[Repair]:
        """Replacements that the target runs whole, the cheapest first, then fewest ops and rules.

        Args:
            node: the op.
            used: rules that made the op, which aren't tried again.
            failed: gets the rules that don't help, each with the reason.
        """
        found: list[Repair] = []
        for rule in BY_OP.get(node.op_type, ()):
            if rule.name in used:
                continue
            repair, why = self._by(rule, node, used | {rule.name})
            if repair is not None:
                found.append(repair)
            else:
                failed.append((rule.name, why))
        return sorted(found, key=lambda r: (r.cost, len(r.nodes), len(r.steps)))

    def _by(self, rule: Rule, node: ir.Node, used: frozenset[str]) -> tuple[Repair | None, str]:
        repair, why = apply_rule(rule, node, self._opset, self._fresh)
        if repair is None:
            return None, why
        return self._completed(repair, used)

    def _completed(self, repair: Repair, used: frozenset[str]) -> tuple[Repair | None, str]:
        """Replace in turn what the target doesn't run of a replacement."""
        graph = describe_nodes(repair.nodes, repair.outputs, {"": self._opset})
        blocked = self._target.blocked(graph)
        for node in [node for node in repair.nodes if node.name in blocked]:
            found = self.repairs(node, used, [])
            for other in found[1:]:
                other.discard()
            if not found:
                repair.discard()
                return None, f"its {node.op_type} blocks too: {blocked[node.name or '']}"
            splice(repair, node, found[0])
        repair.cost = self._price(describe_nodes(repair.nodes, repair.outputs, {"": self._opset}))
        return repair, ""


def splice(repair: Repair, node: ir.Node, inner: Repair) -> None:
    """Put a replacement in the place of one node of another."""
    olds = node.outputs[: len(inner.outputs)]
    swap = dict(zip(olds, inner.outputs, strict=True))
    ir.convenience.replace_all_uses_with(olds, inner.outputs)
    repair.outputs = [swap.get(value, value) for value in repair.outputs]
    place = repair.nodes.index(node)
    detach(node)
    repair.nodes[place : place + 1] = inner.nodes
    repair.steps += tuple((place + at, rule) for at, rule in inner.steps)
    if inner.exactness != "exact":
        repair.exactness = inner.exactness
