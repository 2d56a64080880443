"""Simplification by libraries: inlining of functions, constant folding, removal of the unused."""

import sys
from contextlib import nullcontext

import onnx_ir as ir
import onnx_ir.passes.common as passes

from hetsched.ir.bodies import masked
from hetsched.ir.shapes import run_inference

FOLD_ELEMENTS = 8192
"""A folded result may have this many elements, unless it takes the place of stored weights."""

MAX_ROUNDS = 16
"""Chains of shape arithmetic need a round per link that inference can't see through."""

_DROPOUT_IS_IDENTITY, _DROPOUT_CAN_TRAIN = 7, 12

_RANDOM = frozenset({
    "Bernoulli", "Multinomial", "RandomNormal", "RandomNormalLike", "RandomUniform",
    "RandomUniformLike",
})  # fmt: skip
_QUANTISING = frozenset({"DequantizeLinear", "QuantizeLinear", "DynamicQuantizeLinear"})
_REARRANGING = frozenset({"Transpose", "Reshape", "Squeeze", "Unsqueeze", "Flatten", "Identity"})
_PICKING = frozenset({"Slice", "Concat"})
_FOLDED_DTYPES = frozenset({
    ir.DataType.FLOAT, ir.DataType.DOUBLE, ir.DataType.FLOAT16, ir.DataType.BOOL,
    ir.DataType.INT8, ir.DataType.INT16, ir.DataType.INT32, ir.DataType.INT64,
    ir.DataType.UINT8, ir.DataType.UINT16, ir.DataType.UINT32, ir.DataType.UINT64,
})  # fmt: skip
"""Dtypes that numpy computes as ONNX Runtime does; narrower floats round differently."""


def simplify(model: ir.Model, *, keep_ifs: bool = True) -> None:
    """Inline model functions, fold constants and drop what nobody reads, in place.

    Left as they are: If, Loop and Scan with their bodies, ops on sequences, random ops, and
    everything that quantises or dequantises, so that int8 weights stay int8.

    Args:
        model: what is to be simplified.
        keep_ifs: leave every If whole; else one whose condition is constant becomes its branch.
    """
    _drop_dropouts(model)
    for _ in range(MAX_ROUNDS):
        if not _fold(model, keep_ifs=keep_ifs):
            break
        run_inference(model)


def _drop_dropouts(model: ir.Model) -> None:
    """Dropout does nothing at inference; the library knows that only from opset 12 on.

    Source: Dropout-7 to Dropout-11 of ONNX, which have no training mode.
    """
    passes.RemoveUnusedNodesPass()(model)  # unused masks too
    if not _DROPOUT_IS_IDENTITY <= model.opset_imports.get("", 1) < _DROPOUT_CAN_TRAIN:
        return
    for node in model.graph:
        if node.op_type == "Dropout" and node.domain == "" and len(node.outputs) == 1:
            node.op_type = "Identity"
            node.attributes.clear()


def _fold(model: ir.Model, *, keep_ifs: bool) -> bool:
    """One round of folding; whether it changed anything, so that more shapes may be known now."""
    from onnxscript.optimizer import fold_constants_ir

    with masked(model.graph) if keep_ifs else nullcontext():
        result = fold_constants_ir(
            model,
            onnx_shape_inference=False,  # node by node, which takes far longer
            input_size_limit=FOLD_ELEMENTS,
            output_size_limit=sys.maxsize,  # `_should_fold` decides
            should_fold=_should_fold,
        )
        _lift(model)
        removed = passes.RemoveUnusedNodesPass()(model)
    return bool(result.modified or removed.modified)


def inline_functions(model: ir.Model) -> None:
    """Replace calls of the model's own functions by their ops, in place."""
    if model.functions:
        passes.InlinePass()(model)


def lift_constants(model: ir.Model) -> None:
    """Turn Constant ops into stored constants, in place.

    Left as ops: sparse ones, which the pass doesn't know, and those that are a graph's output.
    """
    with masked(model.graph):
        _lift(model)


def _lift(model: ir.Model) -> None:
    constants = [node for node in model.graph if node.op_type == "Constant"]
    if all("sparse_value" not in node.attributes for node in constants):
        passes.LiftConstantsToInitializersPass(lift_all_constants=True, size_limit=0)(model)


def _should_fold(node: ir.Node) -> bool | None:
    """True and False decide; None leaves it to the library's limits."""
    if node.domain != "" or node.op_type in _RANDOM or node.op_type in _QUANTISING:
        return False
    values = [value for value in (*node.inputs, *node.outputs) if value is not None]
    if any(value.dtype not in _FOLDED_DTYPES for value in values):
        return False
    if len(node.outputs) != 1 or node.outputs[0].is_graph_output():
        return False
    if (elements := _elements(node.outputs[0])) is None:
        return False
    if node.op_type in _REARRANGING:
        source = node.inputs[0]
        return elements <= FOLD_ELEMENTS or (source is not None and len(source.uses()) == 1)
    if node.op_type in _PICKING and _at_most_doubles(node, elements):
        return True
    if elements > FOLD_ELEMENTS:
        return False
    return True if node.op_type == "ConstantOfShape" else None


def _at_most_doubles(node: ir.Node, elements: int) -> bool:
    """Whether folding this op, and its source's other readers alike, keeps weights under twice.

    Exporters cut and join the weights of an LSTM's gates by such ops.
    """
    sources = node.inputs[:1] if node.op_type == "Slice" else node.inputs
    known = [(source, _elements(source)) for source in sources if source is not None]
    readers = max((len(source.uses()) for source, _ in known), default=1)
    return elements * readers <= 2 * sum(count or 0 for _, count in known)


def _elements(value: ir.Value) -> int | None:
    count = 1
    for dim in value.shape or ():
        if not isinstance(dim, int):
            return None
        count *= dim
    return None if value.shape is None else count
