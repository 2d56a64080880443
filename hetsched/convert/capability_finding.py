"""Why one op isn't run by something that asks for several tables: the first that refuses it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from hetsched.convert.capability_clauses import known_part
from hetsched.convert.capability_limits import dtype_reason, limits_of, rank_reason
from hetsched.convert.capability_ort import cpu_reason
from hetsched.convert.capability_predicate import PREFIX
from hetsched.convert.capability_rows import Row, Table
from hetsched.convert.capability_rules import RULES, Unsure
from hetsched.convert.capability_view import View
from hetsched.ir.graph import Graph, Op

Kind: TypeAlias = Literal["blocked", "dtype", "unknown"]
"""`blocked`: the table says no. `dtype`: it says yes, for other dtypes. `unknown`: it doesn't say,
or says yes under a condition that isn't checked."""

_ORT = ("onnxruntime", "cpu")
_CONTROL = frozenset({"If", "Loop", "Scan", "SequenceMap"})
_TITLES = {
    "caffe": "Caffe", "coreml": "Core ML", "executorch": "ExecuTorch", "mace": "MACE",
    "minidnn": "MiniDNN", "mnn": "MNN", "neuron": "Neuron", "onnxruntime": "ONNX Runtime",
    "openvino": "OpenVINO", "pytorch": "PyTorch", "pytorch_mobile": "PyTorch Mobile",
    "rknn": "RKNN", "samsung-one": "Samsung ONE", "snpe": "SNPE", "tensorflow": "TensorFlow",
    "tensorrt": "TensorRT", "tflite": "TFLite", "tnn": "TNN", "tvm": "TVM",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What keeps an op from running.

    Attributes:
        framework: whose table says so; empty where no table was asked.
        backend: of the framework.
        kind: how sure that is.
        reason: in words.
    """

    framework: str = ""
    backend: str = ""
    kind: Kind
    reason: str

    @property
    def text(self) -> str:
        """The reason with its table's name before it."""
        return (
            f"{title(self.framework)} {self.backend}: {self.reason}"
            if self.backend
            else self.reason
        )


def title(framework: str) -> str:
    """A framework's name for people; tables of a time keep their date."""
    name, dash, date = framework.partition("-20")
    return f"{_TITLES.get(name, name)}{dash}{date}"


def finding(
    graph: Graph, op: Op, tables: Sequence[Table], computes: str | None = None
) -> Finding | None:
    """The first table that doesn't take the op, None when all do.

    Args:
        graph: the op's.
        op: which.
        tables: all have to take it.
        computes: the dtype that float models are computed in there, see `dtype_reason`.
    """
    view = View(graph=graph, op=op)
    for rows in tables:
        found = _table_reason(view, rows, computes)
        if found is not None:
            kind, reason = found
            return Finding(framework=rows.framework, backend=rows.backend, kind=kind, reason=reason)
    return None


def _table_reason(view: View, rows: Table, computes: str | None) -> tuple[Kind, str] | None:
    op = view.op
    if (rows.framework, rows.backend) == _ORT:
        return _blocked(cpu_reason(view, rows))
    if op.domain:
        return "blocked", f"{op.domain} {op.op_type} is no ONNX operator"
    if op.op_type in _CONTROL:
        return "blocked", f"{op.op_type} is control flow, which the CPU runs"
    row = rows.rows.get(op.op_type)
    if row is None:
        if rows.closed_world:
            return "blocked", f"{op.op_type} not supported"
        return "unknown", f"{op.op_type} unknown: its table is incomplete"
    if row.status == "none":
        return "blocked", row.constraint or f"{op.op_type} not supported"
    return _row_reason(view, rows, row, computes)


def _row_reason(view: View, rows: Table, row: Row, computes: str | None) -> tuple[Kind, str] | None:
    key, op_type = (rows.framework, rows.backend), view.op.op_type
    dtype = dtype_reason(view, row, computes)
    if dtype is not None:
        return "dtype", dtype
    rank = rank_reason(view, limits_of(*key))
    if rank is not None:
        return "blocked", rank
    rule = RULES.get(key, {}).get(op_type)
    if rule is None and (row.status == "partial" or row.constraint.startswith(PREFIX)):
        rule = known_part(row.constraint)
    reason = None if rule is None else rule(view)
    if isinstance(reason, Unsure):
        return "unknown", f"{op_type} works only under a condition not checked: {reason}"
    return _blocked(reason)


def _blocked(reason: str | None) -> tuple[Kind, str] | None:
    return None if reason is None else ("blocked", reason)
