"""Putting replacements into a graph, in a way that gives the same graph when it is done again."""

from collections.abc import Iterable

import onnx_ir as ir
import onnx_ir.passes.common as passes

from hetsched.convert.names import Names
from hetsched.convert.repair import RULES_BY_NAME, Repair, Step, apply_rule, splice
from hetsched.errors import ModelError


class Editor:
    """Edits one model in place.

    Names of what a replacement brings depend only on what was put in before, not on what else was
    tried: tries get draft names.
    """

    def __init__(self, onnx: ir.Model) -> None:
        """Take a model to edit; its ops and values are named."""
        self._onnx = onnx
        taken = {node.name or "" for node in onnx.graph}
        self._names = Names(taken | {value.name or "" for value in _values(onnx.graph)})
        self._drafts = 0

    def draft(self, kind: str) -> str:
        """A name for something that may never get into the graph."""
        self._drafts += 1
        return f"~{self._drafts}/{kind}"

    def put(self, node: ir.Node, repair: Repair) -> None:
        """Put a replacement in an op's place, and drop what nobody reads any more."""
        self._name(node.name or "", repair)
        graph = self._onnx.graph
        for value in repair.constants():
            graph.initializers.add(value)
        before = [value.producer() for value in node.inputs if value is not None]
        olds, news = repair.replaced(node)
        if repair.makes_all:
            ir.convenience.replace_nodes_and_values(graph, node, [node], repair.nodes, olds, news)
        else:
            ir.convenience.replace_all_uses_with(olds, news)
            graph.insert_after(node, repair.nodes)
            graph.remove(node, safe=True)
        self._drop_unread([*reversed(repair.nodes), *before])

    def repeat(self, name: str, steps: Iterable[Step]) -> None:
        """Do once more what a search found.

        Args:
            name: of the op.
            steps: how its replacement was made.

        Raises:
            ModelError: when there is no such op or rule, or the rule doesn't apply to it.
        """
        node = next((node for node in self._onnx.graph if node.name == name), None)
        if node is None:
            raise ModelError(f"there is no op {name!r} to rewrite")
        repair: Repair | None = None
        for place, rule in steps:
            if repair is None:
                repair = self._applied(rule, node)
                continue
            if not 0 <= place < len(repair.nodes):
                raise ModelError(f"op {name!r}: rule {rule} made no op number {place}")
            inner = repair.nodes[place]
            splice(repair, inner, self._applied(rule, inner))
        if repair is None:
            raise ModelError(f"op {name!r} is to be rewritten by no rule")
        self.put(node, repair)

    def finish(self) -> None:
        """Drop stored values that nobody reads."""
        passes.RemoveUnusedNodesPass()(self._onnx)

    def _applied(self, name: str, node: ir.Node) -> Repair:
        rule = RULES_BY_NAME.get(name)
        if rule is None:
            raise ModelError(f"there is no rule {name!r}")
        if node.op_type not in rule.ops:
            raise ModelError(f"rule {name} doesn't replace {node.op_type} (op {node.name!r})")
        opset = self._onnx.opset_imports.get("", 0)
        repair, why = apply_rule(rule, node, opset, self.draft)
        if repair is None:
            raise ModelError(f"rule {name} doesn't apply to op {node.name!r}: {why}")
        return repair

    def _name(self, op: str, repair: Repair) -> None:
        made = {value: node for node in repair.nodes for value in node.outputs}
        for node in repair.nodes:
            node.name = self._names.fresh(f"{op}/{node.op_type}")
        for value, node in made.items():
            if value.name:
                value.name = self._names.fresh(f"{op}/{node.op_type}_out")
        for value in repair.constants():
            value.name = self._names.fresh(f"{op}/constant")

    def _drop_unread(self, nodes: Iterable[ir.Node | None]) -> None:
        """Remove nodes without readers, then those before them that were only read by them."""
        waiting = [node for node in reversed(list(nodes)) if node is not None]
        while waiting:
            node = waiting.pop()
            if node.graph is None or any(v.uses() or v.is_graph_output() for v in node.outputs):
                continue
            waiting.extend(
                maker for value in node.inputs if value is not None and (maker := value.producer())
            )
            self._onnx.graph.remove(node, safe=True)


def _values(graph: ir.Graph) -> list[ir.Value]:
    made = [value for node in graph for value in node.outputs]
    return [*graph.inputs, *graph.initializers.values(), *made]
