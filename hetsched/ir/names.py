"""Unique names for ops and values: the file's own where it has them."""

import onnx_ir as ir
import onnx_ir.passes.common as passes


def name_everything(model: ir.Model) -> None:
    """Name the unnamed ops `Type_index` and make duplicates unique, in place and repeatably."""
    taken: set[str] = {node.name for node in model.graph if node.name}
    seen: set[str] = set()
    for index, node in enumerate(model.graph):
        wanted = node.name or f"{node.op_type}_{index}"
        node.name = wanted if node.name and wanted not in seen else _free(wanted, taken | seen)
        seen.add(node.name)
    passes.NameFixPass()(model)


def _free(wanted: str, taken: set[str]) -> str:
    if wanted not in taken:
        return wanted
    number = 1
    while f"{wanted}_{number}" in taken:
        number += 1
    return f"{wanted}_{number}"
