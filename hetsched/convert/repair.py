"""Finding supported ops for one op: rules, and rules for what rules make."""

from collections.abc import Callable
from dataclasses import dataclass

import onnx_ir as ir

from hetsched.convert.rules import BY_OP
from hetsched.convert.rules.rule import Exactness, Rule, Site
from hetsched.convert.rules.tape import Tape, detach
from hetsched.convert.target import Target
from hetsched.ir.build import describe_nodes


@dataclass(slots=True, kw_only=True)
class Repair:
    """A replacement for an op, in no graph yet.

    Attributes:
        rules: in the order in which they were applied.
        exactness: the weakest of the rules'.
        nodes: in the order of computation.
        outputs: for the op's outputs, in their order.
    """

    rules: tuple[str, ...]
    exactness: Exactness
    nodes: list[ir.Node]
    outputs: list[ir.Value]

    @property
    def makes_all(self) -> bool:
        """Whether its nodes make every output, and none is just an input handed on."""
        made = {value for node in self.nodes for value in node.outputs}
        return all(value in made for value in self.outputs)

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


class Repairer:
    """Looks for replacements that a target runs."""

    def __init__(self, target: Target, opset: int, fresh: Callable[[str], str]) -> None:
        """Prepare.

        Args:
            target: what has to run the replacement.
            opset: version of ai.onnx.
            fresh: makes a name for a node or value from its kind.
        """
        self._target = target
        self._opset = opset
        self._fresh = fresh

    def repairs(
        self, node: ir.Node, used: frozenset[str], failed: list[tuple[str, str]]
    ) -> list[Repair]:
        """Replacements that the target runs whole, fewest ops and rules first.

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
        return sorted(found, key=lambda repair: (len(repair.nodes), len(repair.rules)))

    def _by(self, rule: Rule, node: ir.Node, used: frozenset[str]) -> tuple[Repair | None, str]:
        site = Site(node, self._opset)
        if any(value is not None and value.dtype is None for value in node.inputs):
            return None, "an input is no tensor, or its dtype isn't known"
        why = rule.check(site)
        if why is not None:
            return None, why
        tape = Tape(self._opset, self._fresh)
        made = rule.rewrite(site, tape)
        outputs = [made] if isinstance(made, ir.Value) else list(made)
        repair = Repair(
            rules=(rule.name,), exactness=rule.exactness, nodes=tape.nodes, outputs=outputs
        )
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
            _splice(repair, node, found[0])
        return repair, ""


def _splice(repair: Repair, node: ir.Node, inner: Repair) -> None:
    """Put a replacement in the place of one node of another."""
    olds = node.outputs[: len(inner.outputs)]
    swap = dict(zip(olds, inner.outputs, strict=True))
    ir.convenience.replace_all_uses_with(olds, inner.outputs)
    repair.outputs = [swap.get(value, value) for value in repair.outputs]
    place = repair.nodes.index(node)
    detach(node)
    repair.nodes[place : place + 1] = inner.nodes
    repair.rules = (*repair.rules, *inner.rules)
    if inner.exactness != "exact":
        repair.exactness = inner.exactness
