"""Finding the cheapest supported ops for an op: rules, and rules for what rules make.

An op is supported through a rule when the target runs each op that the rule makes, or when that op
is supported through a rule in turn. The cost of a replacement is the sum over its ops. So ops that
look alike (same type, attributes, shapes, dtypes, small stored values) have the same cheapest
replacement, whatever they are part of. The search is over such kinds of ops: each rule is applied
once to each kind that is met, then costs go from what the target runs back to the op.
"""

from collections import deque
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import TypeAlias

import onnx_ir as ir

from hetsched.convert.price import Price
from hetsched.convert.repair import Repair, Step, apply_rule
from hetsched.convert.rules import BY_OP
from hetsched.convert.target import Target
from hetsched.ir.build import describe_nodes

MAX_CHAIN = 4
"""Rules inside rules: kinds of ops further from the op than this aren't looked at."""

_SMALL_BYTES = 1024
"""Stored values of up to this size may be shapes or axes, which rules look at."""

_Cost: TypeAlias = tuple[float, int, int]
"""Price, number of ops, number of rules: less is better, and each part has more than none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A way to replace an op.

    Attributes:
        steps: see `hetsched.convert.repair.Step`.
        cost: by the price asked for.
    """

    steps: tuple[Step, ...]
    cost: float


@dataclass(slots=True, kw_only=True)
class _Option:
    """What one rule makes of a kind of op.

    Attributes:
        rule: its name.
        own: cost of what the target runs of it.
        parts: (place, kind, reason) of what it doesn't run.
    """

    rule: str
    own: _Cost
    parts: list[tuple[int, Hashable, str]]


@dataclass(slots=True, kw_only=True)
class _Kind:
    """A kind of op that rules made and the target doesn't run.

    Attributes:
        node: one of them, in no graph.
        options: by rule; None before it was looked at.
        best: the cheapest option and its cost, None while there is none.
    """

    node: ir.Node
    options: list[_Option] | None = None
    best: tuple[_Cost, _Option] | None = None


@dataclass(slots=True)
class Search:
    """Searches for one target and one price; what it found out about kinds of ops is kept.

    Attributes:
        target: what has to run the replacements.
        opset: version of ai.onnx.
        fresh: makes a name for a node or value from its kind.
        price: of ops.
    """

    target: Target
    opset: int
    fresh: Callable[[str], str]
    price: Price
    _kinds: dict[Hashable, _Kind] = field(default_factory=dict)

    def candidates(
        self, node: ir.Node, used: frozenset[str]
    ) -> tuple[list[Candidate], list[tuple[str, str]]]:
        """Ways to replace an op, the cheapest first; and rules that don't help, with the reason.

        Args:
            node: the op, in its graph.
            used: rules that made the op, which aren't tried again.
        """
        options, failed = self._options(node, used)
        self._settle([key for option in options for _, key, _ in option.parts])
        found = []
        for option in options:
            cost = self._cost(option)
            if cost is None:
                failed.append((option.rule, self._why_not(option)))
            else:
                found.append((cost, Candidate(steps=self._steps(option), cost=cost[0])))
        return [candidate for _, candidate in sorted(found, key=lambda pair: pair[0])], failed

    def _options(
        self, node: ir.Node, used: frozenset[str] = frozenset()
    ) -> tuple[list[_Option], list[tuple[str, str]]]:
        """What each rule makes of an op; the op's readers are as before afterwards."""
        options, failed = [], []
        for rule in BY_OP.get(node.op_type, ()):
            if rule.name in used:
                continue
            repair, why = apply_rule(rule, node, self.opset, self.fresh)
            if repair is None:
                failed.append((rule.name, why))
                continue
            options.append(self._option(rule.name, repair))
            repair.discard()
        return options, failed

    def _option(self, rule: str, repair: Repair) -> _Option:
        opsets = {"": self.opset}
        blocked = self.target.blocked(describe_nodes(repair.nodes, repair.outputs, opsets))
        runs = [node for node in repair.nodes if node.name not in blocked]
        parts = []
        for place, node in enumerate(repair.nodes):
            if node.name in blocked:
                parts.append((place, self._kind(node), blocked[node.name or ""]))
        outputs = [value for node in runs for value in node.outputs]
        price = self.price(describe_nodes(runs, outputs, opsets)) if runs else 0.0
        return _Option(rule=rule, own=(price, len(runs), 1), parts=parts)

    def _kind(self, node: ir.Node) -> Hashable:
        key = _likeness(node)
        if key not in self._kinds:
            self._kinds[key] = _Kind(node=_stand_in(node))
        return key

    def _settle(self, asked: list[Hashable]) -> None:
        """Look at kinds and at what rules make of them in turn, then find the cheapest ways."""
        waiting = deque((key, 1) for key in asked)
        met: dict[Hashable, None] = {}
        while waiting:
            key, depth = waiting.popleft()
            kind = self._kinds[key]
            if key in met or (depth >= MAX_CHAIN and kind.options is None):
                continue
            met[key] = None
            if kind.options is None:
                kind.options, _ = self._options(kind.node)
            waiting.extend((part, depth + 1) for o in kind.options for _, part, _ in o.parts)
        changed = True
        while changed:
            changed = False
            for key in met:
                changed |= self._improve(self._kinds[key])

    def _improve(self, kind: _Kind) -> bool:
        before = kind.best
        for option in kind.options or ():
            cost = self._cost(option)
            if cost is not None and (kind.best is None or cost < kind.best[0]):
                kind.best = (cost, option)
        return kind.best is not before

    def _cost(self, option: _Option) -> _Cost | None:
        """The whole of an option, None while one of its parts has no way."""
        price, ops, rules = option.own
        for _, key, _ in option.parts:
            best = self._kinds[key].best
            if best is None:
                return None
            price, ops, rules = price + best[0][0], ops + best[0][1], rules + best[0][2]
        return price, ops, rules

    def _steps(self, option: _Option) -> tuple[Step, ...]:
        steps: list[Step] = [(0, option.rule)]
        for place, key, _ in reversed(option.parts):  # places before it stay as they are
            best = self._kinds[key].best
            assert best is not None, "only options with a cost are taken"
            steps.extend((place + at, rule) for at, rule in self._steps(best[1]))
        return tuple(steps)

    def _why_not(self, option: _Option) -> str:
        for _, key, reason in option.parts:
            kind = self._kinds[key]
            if kind.best is None:
                return f"its {kind.node.op_type} blocks too: {reason}"
        return "it costs nothing known"


def _likeness(node: ir.Node) -> Hashable:
    """What rules and tables look at: type, attributes, inputs, and which outputs are read."""
    attributes = tuple(sorted((name, repr(a.value)) for name, a in node.attributes.items()))
    inputs = tuple(None if value is None else _value_likeness(value) for value in node.inputs)
    same = tuple(tuple(node.inputs).index(value) for value in node.inputs)
    outputs = tuple((str(value.shape), _is_read(value)) for value in node.outputs)
    return node.op_type, attributes, inputs, same, outputs


def _value_likeness(value: ir.Value) -> Hashable:
    stored = value.const_value
    content: Hashable = stored is not None
    if stored is not None and stored.nbytes <= _SMALL_BYTES:
        content = stored.numpy().tobytes()
    return str(value.dtype), str(value.shape), content


def _is_read(value: ir.Value) -> bool:
    return bool(value.name)


def _stand_in(node: ir.Node) -> ir.Node:
    """The same op over values of its own, so that it counts among nobody's readers."""
    values = {value: _copy(value) for value in node.inputs if value is not None}
    made = ir.Node(
        node.domain,
        node.op_type,
        [None if value is None else values[value] for value in node.inputs],
        list(node.attributes.values()),
        num_outputs=len(node.outputs),
        name=node.name,
    )
    for new, old in zip(made.outputs, node.outputs, strict=True):
        new.name, new.type, new.shape = old.name, old.type, old.shape
    return made


def _copy(value: ir.Value) -> ir.Value:
    return ir.Value(
        name=value.name, shape=value.shape, type=value.type, const_value=value.const_value
    )
