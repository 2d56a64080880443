"""ONNX Runtime's CPU provider: the table lists dtypes of one type parameter and opset ranges."""

import re

from hetsched.convert.capability_rows import Table
from hetsched.convert.capability_view import View

_RANGE = re.compile(r"opset (?P<low>\d+)\.\.(?P<high>\d+|latest)")

# Ops whose row lists the type of something else than the first input (an index, a condition, the
# output), so that it says nothing about the data. Source: the rows in data/ort.csv next to the
# operators' type parameters in the ONNX specification.
_OTHER_PARAMETER = frozenset({
    "ConstantOfShape", "DynamicQuantizeLinear", "EyeLike", "If", "Loop", "MaxPool", "Multinomial",
    "OneHot", "Optional", "OptionalGetElement", "OptionalHasElement", "RandomNormal",
    "RandomNormalLike", "RandomUniform", "RandomUniformLike", "RotaryEmbedding", "Scan",
    "SequenceAt", "SequenceConstruct", "SequenceEmpty", "SequenceErase", "SequenceInsert",
    "SequenceLength", "SplitToSequence", "TopK", "Where",
})  # fmt: skip


def cpu_reason(view: View, rows: Table) -> str | None:
    """Why the CPU provider doesn't run the op, None when it does.

    Ops of other domains (com.microsoft, ai.onnx.ml, functions of the model) aren't in the table;
    a model with them only runs in ONNX Runtime, so they are taken as its own.
    A float16 op without a float16 kernel runs as float32: the provider inserts casts.
    """
    if view.op.domain:
        return None
    row = rows.rows.get(view.op.op_type)
    if row is None or row.status == "none":
        return f"no kernel for {view.op.op_type}"
    reason = _opset_reason(view, row.constraint)
    if reason is not None or not row.dtypes or view.op.op_type in _OTHER_PARAMETER:
        return reason
    tensor = view.graph.tensors.get(view.input(0))
    dtype = None if tensor is None else tensor.dtype
    if dtype is None or dtype in row.dtypes or (dtype == "float16" and "float32" in row.dtypes):
        return None
    return f"no kernel for {view.op.op_type} of {dtype}: takes {', '.join(sorted(row.dtypes))}"


def _opset_reason(view: View, constraint: str) -> str | None:
    match = _RANGE.fullmatch(constraint)
    if match is None:
        return None
    low, high = int(match["low"]), match["high"]
    if view.op.opset < low or (high != "latest" and view.op.opset > int(high)):
        return f"no kernel for {view.op.op_type} of opset {view.op.opset}: {low} to {high}"
    return None
