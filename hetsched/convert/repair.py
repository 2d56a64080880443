"""A replacement for an op: made by a rule, and by rules for what that rule made."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import onnx_ir as ir

from hetsched.convert.rules import BY_OP, RULES
from hetsched.convert.rules.rule import Exactness, Rule, Site, weakest
from hetsched.convert.rules.tape import Tape, detach

Step: TypeAlias = tuple[int, str]
"""Replace the node at this place of the list by what this rule makes of it. The list starts with
the op alone."""

RULES_BY_NAME: Mapping[str, Rule] = {rule.name: rule for rule in RULES}


@dataclass(slots=True, kw_only=True)
class Repair:
    """A replacement for an op, in no graph yet.

    Attributes:
        steps: how to make it again.
        exactness: the weakest of the rules'.
        nodes: in the order of computation.
        outputs: for the op's outputs, in their order.
    """

    steps: tuple[Step, ...]
    exactness: Exactness
    nodes: list[ir.Node]
    outputs: list[ir.Value]

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


def apply_steps(
    steps: Iterable[Step], node: ir.Node, opset: int, fresh: Callable[[str], str]
) -> Repair | None:
    """What several rules make of an op; None where one of them doesn't apply."""
    repair: Repair | None = None
    for place, name in steps:
        if repair is not None and not 0 <= place < len(repair.nodes):
            repair.discard()
            return None
        one = node if repair is None else repair.nodes[place]
        rule = next((r for r in BY_OP.get(one.op_type, ()) if r.name == name), None)
        inner = None if rule is None else apply_rule(rule, one, opset, fresh)[0]
        if inner is None:
            if repair is not None:
                repair.discard()
            return None
        if repair is None:
            repair = inner
        else:
            splice(repair, one, inner)
    return repair


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
    repair.exactness = weakest(repair.exactness, inner.exactness)
