"""Which unit refuses which op, and why."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from hetsched.convert.capability_clauses import clause_rule
from hetsched.convert.capability_limits import LIMITS, Limits, dtype_reason, rank_reason
from hetsched.convert.capability_ort import cpu_reason
from hetsched.convert.capability_rows import Table, backends, table
from hetsched.convert.capability_rules import RULES
from hetsched.convert.capability_view import View
from hetsched.errors import CapabilityError
from hetsched.ir.graph import Graph, Op
from hetsched.soc.profile import Profile, Unit

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
class _Support:
    """The tables that a unit's ops must all pass; or why it has none; and its dtype."""

    tables: tuple[Table, ...] = ()
    reason: str | None = None
    computes: str | None = None


def refusals(
    graph: Graph, profile: Profile, framework: str | None = None, backend: str | None = None
) -> dict[tuple[str, str], str]:
    """Why units don't run ops.

    Without a framework each unit has the rows that its profile names. With one, a unit has that
    framework's rows for the first of its `reached_by` backends that the framework has, and
    every op must pass the framework's converter too. With a backend on top, units that it
    reaches use it, CPUs that it doesn't reach use the framework's CPU rows, and the others run
    nothing.

    Returns:
        (op name, unit name) to the reason in words; what isn't in it is supported.

    Raises:
        CapabilityError: unknown framework or backend, naming what there is.
    """
    if backend is not None and framework is None:
        raise CapabilityError(f"backend {backend!r} needs a framework too: give both")
    found: dict[tuple[str, str], str] = {}
    memo: dict[_Support, list[tuple[str, str]]] = {}
    for unit in profile.units:
        support = replace(_support(unit, framework, backend), computes=unit.dtype)
        if support not in memo:
            memo[support] = list(_reasons(graph, support))
        found.update(((op, unit.name), reason) for op, reason in memo[support])
    return found


def table_refusals(graph: Graph, *rows: tuple[str, str]) -> dict[str, str]:
    """Why ops aren't run by something that asks for all of these (framework, backend) tables.

    Returns:
        Op name to the reason in words; what isn't in it is supported.

    Raises:
        CapabilityError: unknown framework or backend, naming what there is.
    """
    return dict(_reasons(graph, _Support(tables=tuple(table(*row) for row in rows))))


def _support(unit: Unit, framework: str | None, backend: str | None) -> _Support:
    if framework is None:
        return _Support(tables=(table(unit.framework, unit.backend),))
    chosen = _backend(unit, framework, backend)
    if chosen is None:
        which = f"{_title(framework)} {backend}" if backend else _title(framework)
        there = ", ".join(name for name in backends(framework) if "converter" not in name)
        return _Support(
            reason=f"{which} doesn't reach this unit (its backends: {there or 'none listed'})"
        )
    doors = [name for name in backends(framework) if name.startswith("converter")]
    return _Support(tables=tuple(table(framework, name) for name in (*doors[:1], chosen)))


def _backend(unit: Unit, framework: str, backend: str | None) -> str | None:
    reached = (unit.backend, *(name for name in unit.reached_by if name != unit.backend))
    there = backends(framework)
    if backend is not None:
        table(framework, backend)
        if backend in reached:
            return backend
        if unit.kind != "cpu":
            return None
    return next((name for name in reached if name in there), None)


def _reasons(graph: Graph, support: _Support) -> Iterator[tuple[str, str]]:
    for op in graph.ops:
        reason = support.reason or _first(graph, op, support)
        if reason is not None:
            yield op.name, reason


def _first(graph: Graph, op: Op, support: _Support) -> str | None:
    view = View(graph=graph, op=op)
    for rows in support.tables:
        reason = _table_reason(view, rows, support.computes)
        if reason is not None:
            return f"{_title(rows.framework)} {rows.backend}: {reason}"
    return None


def _title(framework: str) -> str:
    name, dash, date = framework.partition("-20")
    return f"{_TITLES.get(name, name)}{dash}{date}"


def _table_reason(view: View, rows: Table, computes: str | None) -> str | None:
    op, key = view.op, (rows.framework, rows.backend)
    if key == _ORT:
        return cpu_reason(view, rows)
    if op.domain:
        return f"{op.domain} {op.op_type} is no ONNX operator"
    if op.op_type in _CONTROL:
        return f"{op.op_type} is control flow, which the CPU runs"
    row = rows.rows.get(op.op_type)
    if row is None:
        word = "not supported" if rows.closed_world else "unknown: its table is incomplete"
        return f"{op.op_type} {word}"
    if row.status == "none":
        return row.constraint or f"{op.op_type} not supported"
    limits = LIMITS.get(key, Limits())
    reason = dtype_reason(view, row, computes) or rank_reason(view, limits)
    if reason is not None:
        return reason
    rule = RULES.get(key, {}).get(op.op_type)
    if rule is None and row.status == "partial":
        rule = clause_rule(row.constraint)
        if rule is None:
            return f"{op.op_type} works only under a condition not checked: {row.constraint}"
    return None if rule is None else rule(view)
