"""Simplification by libraries: inlining of functions, constant folding, removal of the unused."""

import onnx_ir as ir
import onnx_ir.passes.common as passes
from onnxscript.optimizer._constant_folding import FoldConstantsPass

FOLD_INPUT_ELEMENTS = 8192
FOLD_OUTPUT_ELEMENTS = 8192


class _Fold(FoldConstantsPass):  # type: ignore[misc]  # onnxscript has no types
    """Constant folding that leaves If, Loop and Scan and their bodies as they are."""

    def process_node(self, node: ir.Node, is_function: bool) -> object:
        if _has_body(node):
            return None
        return super().process_node(node, is_function)

    def visit_attribute(self, attr: ir.Attr) -> None:
        return


def _has_body(node: ir.Node) -> bool:
    kinds = (ir.AttributeType.GRAPH, ir.AttributeType.GRAPHS)
    return any(attribute.type in kinds for attribute in node.attributes.values())


def simplify(model: ir.Model) -> None:
    """Fold constants and drop what nobody reads, in place."""
    if model.functions:
        passes.InlinePass()(model)
    passes.LiftConstantsToInitializersPass(lift_all_constants=True, size_limit=0)(model)
    fold = _Fold(
        shape_inference=True,
        input_size_limit=FOLD_INPUT_ELEMENTS,
        output_size_limit=FOLD_OUTPUT_ELEMENTS,
    )
    fold(model)
    passes.RemoveUnusedNodesPass()(model)
