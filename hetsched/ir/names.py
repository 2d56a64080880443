"""Unique names for ops and values: the file's own where it has them."""

import onnx_ir as ir
import onnx_ir.passes.common as passes


def name_everything(model: ir.Model) -> None:
    """Name the unnamed ops `Type_index` and make duplicates unique, in place and repeatably."""
    taken = {node.name for node in model.graph if node.name}
    seen: set[str] = set()
    for index, node in enumerate(model.graph):
        if not node.name or node.name in seen:
            node.name = _free(node.name or f"{node.op_type}_{index}", taken)
            taken.add(node.name)
        seen.add(node.name)
    _name_values(model)


def _name_values(model: ir.Model) -> None:
    """The pass would name outputs that were left out on purpose, which asks for more work."""
    nodes = list(ir.traversal.RecursiveGraphIterator(model.graph))
    left_out = [value for node in nodes for value in node.outputs if not value.name]
    passes.NameFixPass()(model)
    for value in left_out:
        if not value.uses() and not value.is_graph_output():
            value.name = ""


def _free(wanted: str, taken: set[str]) -> str:
    if wanted not in taken:
        return wanted
    number = 1
    while f"{wanted}_{number}" in taken:
        number += 1
    return f"{wanted}_{number}"
