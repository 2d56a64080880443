"""What is known about each framework: hardware it runs on, its op tables, its limits."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache

from hetsched.convert.capability_rows import near, read_csv, table
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
    known = dict.fromkeys(row["framework"] for row in read_csv("index.csv"))
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
    return tuple(
        _backend(framework, row) for row in read_csv("index.csv") if row["framework"] == framework
    )


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
