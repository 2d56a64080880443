"""ONNX Runtime's CPU provider: the table lists dtypes of one type parameter and opset ranges."""

import re
from functools import lru_cache

from hetsched.convert.capability_rows import Table
from hetsched.convert.capability_view import View
from hetsched.ir.custom import custom_op

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


# Domains beside ai.onnx whose operators the CPU provider registers. They aren't in the table: an
# operator of them is taken as its own, since models hold one only after ONNX Runtime's own tools or
# a converter for it made them. Source: the sections of its OperatorKernels.md; the last two are
# what its optimiser writes.
_DOMAINS = frozenset({"com.microsoft", "ai.onnx.ml", "com.microsoft.nchwc", "com.ms.internal.nhwc"})

# Without a kernel, but expanded from its function body.
# Source: its four ONNX node tests run on onnxruntime 1.31.1.
_EXPANDED = frozenset({"SequenceMap"})

# Kernels that stop before the newest opset. Source: ONNX node tests of opset 22 that onnxruntime
# 1.31.1 finds no implementation for, see RoiAlign in data/measured_x86.csv.
_LAST_OPSET = {"RandomUniformLike": 21, "RoiAlign": 21}


def cpu_reason(view: View, rows: Table) -> str | None:
    """Why the CPU provider doesn't run the op, None when it does.

    A float16 op without a float16 kernel runs as float32: the provider inserts casts.
    """
    if view.op.domain:
        return _domain_reason(view)
    if view.op.op_type in _EXPANDED:
        return None
    row = rows.rows.get(view.op.op_type)
    if row is None or row.status == "none":
        return f"no kernel for {view.op.op_type}"
    reason = _opset_reason(view, row.constraint)
    if reason is not None or not row.dtypes or view.op.op_type in _OTHER_PARAMETER:
        return reason
    tensor = view.graph.tensors.get(view.input(0))
    dtype = None if tensor is None else tensor.dtype
    if dtype is None or dtype in row.dtypes or dtype not in _listed(rows):
        return None
    if dtype == "float16" and "float32" in row.dtypes:
        return None
    return f"no kernel for {view.op.op_type} of {dtype}: takes {', '.join(sorted(row.dtypes))}"


def _domain_reason(view: View) -> str | None:
    if view.op.domain in _DOMAINS or custom_op(view.op.domain, view.op.op_type) is not None:
        return None
    known = ", ".join(sorted(_DOMAINS))
    return f"no kernels for domain {view.op.domain!r} of {view.op.op_type}: only ai.onnx, {known}"


@lru_cache(maxsize=4)
def _listed(rows: Table) -> frozenset[str]:
    """Dtypes that some row lists. 8-bit floats and 2-bit integers are in none, yet Cast takes them.

    Source: data/measured_x86.csv, where the Cast tests with them pass.
    """
    return frozenset(dtype for row in rows.rows.values() for dtype in row.dtypes)


def _opset_reason(view: View, constraint: str) -> str | None:
    op, match = view.op, _RANGE.fullmatch(constraint)
    if match is None:
        return None
    listed = None if match["high"] == "latest" else int(match["high"])
    low, high = int(match["low"]), _LAST_OPSET.get(op.op_type, listed)
    if op.opset >= low and (high is None or op.opset <= high):
        return None
    return f"no kernel for {op.op_type} of opset {op.opset}: {low} to {high or 'newest'}"
