"""What is known about each framework: hardware it runs on, its op tables, its limits."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache

from hetsched.convert.capability_clauses import clause_rule
from hetsched.convert.capability_predicate import PREFIX
from hetsched.convert.capability_rows import Row, backends, index, near, read_csv, table
from hetsched.convert.capability_rules import RULES
from hetsched.convert.op_names import is_onnx_op, near_op
from hetsched.errors import CapabilityError

PAPER = (
    "Table I of H. Tabani et al., Challenges and Obstacles Towards Deploying Deep Learning Models "
    "on Mobile Devices (2021)"
)
AS_OF = "2026-11"
"""When the cells of today and most tables were read."""

CAVEATS: Mapping[str, str] = {
    "MiniDNN": (
        "the repository that the paper cites, yixuan/MiniDNN, is a sequential training library for "
        "the CPU, without OpenCL, APU or importer. The paper's row must mean another engine, whose "
        "op list isn't known; the op table here is the repository's."
    ),
}
"""Table I's name of a framework to what doesn't fit."""

TABLES: Mapping[str, tuple[str, ...]] = {
    "TensorFlow": ("tensorflow",),
    "TensorFlow Lite": ("tflite",),
    "PyTorch": ("pytorch",),
    "PyTorch Mobile": ("pytorch_mobile", "executorch"),
    "Tencent TNN": ("tnn", "tnn-2020.11"),
    "MiniDNN": ("minidnn",),
    "Caffe": ("caffe",),
    "Apple CoreML": ("coreml",),
    "TensorRT": ("tensorrt",),
    "Apache TVM": ("tvm",),
    "Xiaomi MACE": ("mace", "mace-2019.10"),
}
"""Table I's name of a framework to its op tables; ExecuTorch is what became of PyTorch Mobile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """Whether a framework runs on a kind of hardware.

    Attributes:
        framework: Table I's name.
        hardware: Table I's name.
        paper: whether the paper ticks it.
        today: `yes`, `no`, `partial` or `host-only`.
        confidence: `seen` in the source, `inferred`, or `unverified`.
        note: in words.
        source: where it was seen; empty unless it was.
    """

    framework: str
    hardware: str
    paper: bool
    today: str
    confidence: str
    note: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Backend:
    """One op table.

    Attributes:
        name: as `--backend` takes it.
        closed_world: whether an op without a row is refused; otherwise it is unknown.
        full: ops that it takes.
        partial: ops that it takes under a condition.
        none: ops that it is known not to take.
        method: how the table was made.
        note: in words.
        source: where it was read.
    """

    name: str
    closed_world: bool
    full: int
    partial: int
    none: int
    method: str
    note: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """A limit that holds for whole graphs or for every op.

    Attributes:
        backend: a backend, or a pattern of several.
        limit: what is limited.
        value: in words.
        source: where it was read.
    """

    backend: str
    limit: str
    value: str
    source: str


@lru_cache(maxsize=1)
def matrix() -> tuple[Cell, ...]:
    """Every cell of Table I, then and today, in its order."""
    paper = {row["framework"]: row for row in read_csv("table1.csv")}
    return tuple(
        Cell(
            framework=row["framework"],
            hardware=row["hardware"],
            paper=paper[row["framework"]][row["hardware"]] != "",
            today=row["today"],
            confidence=row["confidence"],
            note=row["note"],
            source=row["source"],
        )
        for row in read_csv("table1_today.csv")
    )


def find(name: str) -> tuple[str, ...]:
    """The op tables of a framework, by its name in index.csv or in Table I.

    Raises:
        CapabilityError: unknown name, with the nearest one.
    """
    by_title = {title.lower(): names for title, names in TABLES.items()}
    known = index()
    if name in known:
        return (name,)
    if name.lower() in by_title:
        return by_title[name.lower()]
    raise CapabilityError(
        f"unknown framework {name!r}: {near(name, (*known, *by_title))}known are {', '.join(known)}"
    )


def title_of(framework: str) -> str | None:
    """Table I's name of an op table's framework, None when it isn't in Table I."""
    return next((title for title, names in TABLES.items() if framework in names), None)


def described(framework: str) -> tuple[Backend, ...]:
    """A framework's op tables, with the number of ops of each status."""
    listed = [row for row in read_csv("index.csv") if row["framework"] == framework]
    names = {row["backend"] for row in listed}
    own = {"method": "a user's table", "source": "", "note": ""}
    added = [{"backend": name, **own} for name in backends(framework) if name not in names]
    return tuple(_backend(framework, row) for row in (*listed, *added))


@dataclass(frozen=True, slots=True, kw_only=True)
class OpRow:
    """What one backend's table says about one op.

    Attributes:
        backend: of the framework.
        status: `full`, `partial`, `none`; `refused` without a row in a complete table, `unknown`
            without one in an incomplete table.
        dtypes: sorted; empty where the source doesn't say.
        constraint: in words, or as a predicate.
        checked: whether the constraint is checked; None where it is no condition.
        source: where it was read.
    """

    backend: str
    status: str
    dtypes: tuple[str, ...]
    constraint: str
    checked: bool | None
    source: str


def op_rows(framework: str, op_type: str) -> tuple[OpRow, ...]:
    """What a framework's tables say about an op type, its converter's first.

    Raises:
        CapabilityError: for an unknown framework, or an op type that ONNX doesn't have.
    """
    names = backends(framework)
    known = {op for name in names for op in table(framework, name).rows}
    if op_type not in known and not is_onnx_op(op_type):
        raise CapabilityError(f"ONNX has no op {op_type!r}: {near_op(op_type)}names are as in ONNX")
    return tuple(_op_row(framework, name, op_type) for name in names)


def _op_row(framework: str, backend: str, op_type: str) -> OpRow:
    rows = table(framework, backend)
    row = rows.rows.get(op_type)
    if row is None:
        status = "refused" if rows.closed_world else "unknown"
        return OpRow(
            backend=backend, status=status, dtypes=(), constraint="", checked=None, source=""
        )
    return OpRow(
        backend=backend,
        status=row.status,
        dtypes=tuple(sorted(row.dtypes)),
        constraint=row.constraint,
        checked=_is_checked(framework, backend, op_type, row),
        source=row.source,
    )


def _is_checked(framework: str, backend: str, op_type: str, row: Row) -> bool | None:
    own = RULES.get((framework, backend), {}).get(op_type)
    if row.status != "partial" and own is None and not row.constraint.startswith(PREFIX):
        return None
    is_ort = (framework, backend) == ("onnxruntime", "cpu")
    return is_ort or own is not None or clause_rule(row.constraint) is not None


def _backend(framework: str, row: Mapping[str, str]) -> Backend:
    rows = table(framework, row["backend"])
    counts = Counter(each.status for each in rows.rows.values())
    return Backend(
        name=row["backend"],
        closed_world=rows.closed_world,
        full=counts["full"],
        partial=counts["partial"],
        none=counts["none"],
        method=row["method"],
        note=row["note"],
        source=row["source"],
    )


def limits(framework: str, backend: str | None = None) -> tuple[Limit, ...]:
    """What is known to be limited in a framework, or in one of its backends."""
    return tuple(
        Limit(backend=row["backend"], limit=row["limit"], value=row["value"], source=row["source"])
        for row in read_csv("limits.csv")
        if row["framework"] == framework
        and (backend is None or row["backend"] == "(all)" or fnmatchcase(backend, row["backend"]))
    )
