"""Groups: ops that a backend fuses and that are costed and placed as one.

A group is grown by contracting an edge between two groups, and only where one of these holds:
the consumer reads from no other group, or the producer is read by no other group. In both cases no
second way leads from the one to the other, so the graph of groups stays acyclic and each
group stays convex.

What is fused:

1. a convolution or matrix product with what follows it: batch normalisation, arithmetic with
   a constant, activation, product with a function of itself;
2. chains of elementwise ops and batch normalisations;
3. DequantizeLinear -> op -> QuantizeLinear;
4. integer arithmetic on shapes with the op that uses it.

Only ops that the same units run get into one group, so that fusing takes no choice away. Three
exceptions, whose groups run where all their ops do:

* a batch normalisation stays with the convolution that it folds into;
* DequantizeLinear and QuantizeLinear stay with the ops between them;
* in a chain of such ops with one input each, what more units run goes along with its neighbours:
  alone elsewhere it would cost copies in and out and compute next to nothing.
"""

from collections.abc import Mapping, Sequence
from heapq import heapify, heappop, heappush

from hetsched.cost.fusion_rules import (
    HEAVY,
    folds_into,
    gates,
    is_elementwise,
    is_light,
    is_shape_arithmetic,
    is_single_input,
    run_time_inputs,
)
from hetsched.cost.table import Group
from hetsched.ir.graph import Graph, Op
from hetsched.ir.op_class import op_class


def groups(
    graph: Graph, refusals: Mapping[tuple[str, str], str], units: Sequence[str]
) -> tuple[Group, ...]:
    """Fused groups in a topological order of the graph; every op is in exactly one.

    Args:
        graph: the prepared model.
        refusals: (op, unit) to the reason why the unit doesn't run the op.
        units: names of all units.
    """
    builder = _Builder(graph, refusals, units)
    for op in graph.ops:
        builder.place(op)
    builder.sweep_shape_arithmetic()
    return builder.result()


class _Builder:
    """Union of ops into groups, in the graph's order.

    Attributes:
        group_of: op to the number of its group.
        members: group to its ops in the graph's order.
        head: group to the op that it is named after.
        units: group to the units that run all its ops.
    """

    def __init__(
        self, graph: Graph, refusals: Mapping[tuple[str, str], str], units: Sequence[str]
    ) -> None:
        self._graph = graph
        self._support = {
            op.name: frozenset(unit for unit in units if (op.name, unit) not in refusals)
            for op in graph.ops
        }
        found = gates(graph)
        self._gate_at = {gate.start: gate for gate in found}
        self._gate_of_product = {gate.product: gate for gate in found}
        self._index = {op.name: index for index, op in enumerate(graph.ops)}
        self.group_of: dict[str, int] = {}
        self.members: dict[int, list[str]] = {}
        self.head: dict[int, str] = {}
        self.units: dict[int, frozenset[str]] = {}

    def place(self, op: Op) -> None:
        """Put the next op into the group that it fuses with, or into a new one."""
        target = self._target(op)
        if target is None:
            self._open(op)
            self._pull_dequantize(op)
            return
        self._add(op, target)

    def _target(self, op: Op) -> int | None:
        folded_into = folds_into(self._graph, op)
        if folded_into is not None:
            return self.group_of[folded_into.name]
        before = self._groups_before(op)
        if len(before) == 1:
            (group,) = before
            if self._takes(op, group) and self._fuses(op, group):
                return group
        return self._own_gate(op)

    def _groups_before(self, op: Op) -> set[int]:
        producers = (self._graph.producer.get(name) for name in op.reads)
        return {self.group_of[producer.name] for producer in producers if producer is not None}

    def _own_gate(self, op: Op) -> int | None:
        """The group of a gate's function, for its product: only the product reads it."""
        gate = self._gate_of_product.get(op.name)
        if gate is None:
            return None
        group = self.group_of[gate.chain[0]]
        inside = set(self.members[group]) <= set(gate.chain)
        return group if inside and self.units[group] & self._support[op.name] else None

    def _takes(self, op: Op, group: int) -> bool:
        """Whether what `op` reads from the group needn't exist outside of it."""
        for name in run_time_inputs(self._graph, op):
            producer = self._graph.producer.get(name)
            if producer is not None and not self._vanishes(name, op, group):
                return False
        return True

    def _vanishes(self, tensor: str, op: Op, group: int) -> bool:
        if tensor in self._graph.outputs:
            return False
        if self._graph.consumers[tensor] == (op,):
            return True
        gate = self._gate_at.get(tensor)
        if gate is None or op.name not in (gate.chain[-1], gate.product):
            return False
        supports = [self._support[name] for name in gate.ops]
        if self._is_light(group):
            return bool(self.units[group].intersection(*supports))
        return all(support == self.units[group] for support in supports)

    def _fuses(self, op: Op, group: int) -> bool:
        support, head = self._support[op.name], self._graph.op[self.head[group]]
        if op.op_type == "QuantizeLinear":
            return bool(support & self.units[group]) and self._is_quantized(group)
        is_product = op.name in self._gate_of_product
        if (is_product or is_light(self._graph, op)) and self._is_light(group):
            return bool(support & self.units[group])
        follows = is_product or is_single_input(self._graph, op)
        if follows and self._is_quantized(group):
            return bool(support & self.units[group])
        if support != self.units[group]:
            return False
        if op_class(self._graph, head) in HEAVY:
            return follows
        return is_elementwise(self._graph, op) and is_elementwise(self._graph, head)

    def _is_quantized(self, group: int) -> bool:
        members = self.members[group]
        return any(self._graph.op[name].op_type == "DequantizeLinear" for name in members)

    def _is_light(self, group: int) -> bool:
        """Whether a group is a chain: one tensor in, one out, little to compute."""
        head = self._graph.op[self.head[group]]
        return is_light(self._graph, head) and not self._is_quantized(group)

    def _pull_dequantize(self, op: Op) -> None:
        """Take in the DequantizeLinear ops that only this op reads."""
        if op.op_type in ("DequantizeLinear", "QuantizeLinear"):
            return
        for name in run_time_inputs(self._graph, op):
            producer = self._graph.producer.get(name)
            if producer is None or producer.op_type != "DequantizeLinear":
                continue
            group, mine = self.group_of[producer.name], self.group_of[op.name]
            if group == mine or self.members[group] != [producer.name]:
                continue
            is_only_reader = self._graph.consumers[name] == (op,)
            if is_only_reader and name not in self._graph.outputs:
                self._merge(group, mine)

    def sweep_shape_arithmetic(self) -> None:
        """Move groups of shape arithmetic to the only group that reads them, last ones first."""
        seen: set[int] = set()
        for op in reversed(self._graph.ops):
            group = self.group_of[op.name]
            if group in seen or not is_shape_arithmetic(self._graph, op):
                continue
            seen.add(group)
            ops = (self._graph.op[name] for name in self.members[group])
            if not all(is_shape_arithmetic(self._graph, member) for member in ops):
                continue
            after = self._groups_after(group)
            if len(after) != 1 or self._makes_output(group):
                continue
            (target,) = after
            if self.units[group] == self.units[target]:
                self._merge(group, target)

    def _groups_after(self, group: int) -> set[int]:
        readers = (
            reader
            for name in self.members[group]
            for made in self._graph.op[name].writes
            for reader in self._graph.consumers.get(made, ())
        )
        return {self.group_of[reader.name] for reader in readers} - {group}

    def _makes_output(self, group: int) -> bool:
        outputs = self._graph.outputs
        return any(
            made in outputs for name in self.members[group] for made in self._graph.op[name].writes
        )

    def _open(self, op: Op) -> None:
        group = self._index[op.name]
        self.group_of[op.name] = group
        self.members[group] = [op.name]
        self.head[group] = op.name
        self.units[group] = self._support[op.name]

    def _add(self, op: Op, group: int) -> None:
        self.group_of[op.name] = group
        self.members[group].append(op.name)
        self.units[group] &= self._support[op.name]

    def _merge(self, source: int, target: int) -> None:
        """Give the members of one group to another, if some unit runs both."""
        units = self.units[source] & self.units[target]
        if not units:
            return
        for name in self.members[source]:
            self.group_of[name] = target
        self.members[target] += self.members.pop(source)
        self.units[target] = units
        del self.head[source], self.units[source]

    def result(self) -> tuple[Group, ...]:
        """The groups; among those that are ready the one with the earliest op comes first."""
        before: dict[int, set[int]] = {group: set() for group in self.members}
        after: dict[int, set[int]] = {group: set() for group in self.members}
        for op in self._graph.ops:
            mine = self.group_of[op.name]
            for group in self._groups_before(op) - {mine}:
                before[mine].add(group)
                after[group].add(mine)
        first = {
            group: min(self._index[name] for name in names) for group, names in self.members.items()
        }
        ready = [(first[group], group) for group, others in before.items() if not others]
        heapify(ready)
        ordered: list[Group] = []
        while ready:
            _, group = heappop(ready)
            names = sorted(self.members[group], key=self._index.__getitem__)
            ordered.append(Group(name=self.head[group], ops=tuple(names)))
            for successor in after[group]:
                before[successor].discard(group)
                if not before[successor]:
                    heappush(ready, (first[successor], successor))
        return tuple(ordered)
