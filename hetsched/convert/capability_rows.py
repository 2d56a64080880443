"""The capability tables: one row per framework, backend and op, each with its source.

`data/index.csv` says how each (framework, backend) was read and whether its rows are complete
(closed world); `data/<family>.csv` hold the rows.
"""

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from importlib.resources import files

from hetsched.errors import CapabilityError

_STATUSES = ("full", "partial", "none")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What a table says about one op.

    Attributes:
        status: `full`, `partial` (works under `constraint`) or `none`.
        dtypes: empty when the source doesn't say.
        constraint: in words.
        source: where it was read.
    """

    status: str
    dtypes: frozenset[str]
    constraint: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Table:
    """All rows of one backend of a framework.

    Attributes:
        framework: as in index.csv.
        backend: as in index.csv.
        closed_world: whether an op without a row is refused; otherwise it is unknown.
        rows: op type to its row.
    """

    framework: str
    backend: str
    closed_world: bool
    rows: Mapping[str, Row]


def read_csv(name: str) -> list[dict[str, str]]:
    """The rows of a file in `data/`."""
    resource = files("hetsched.convert").joinpath("data", name)
    return list(csv.DictReader(resource.read_text(encoding="utf-8").splitlines()))


@lru_cache(maxsize=1)
def index() -> Mapping[str, Mapping[str, tuple[str, bool]]]:
    """Framework to backend to (file, closed world), in the order of index.csv."""
    found: dict[str, dict[str, tuple[str, bool]]] = {}
    for row in read_csv("index.csv"):
        entry = (row["file"], row["closed_world"] == "yes")
        found.setdefault(row["framework"], {})[row["backend"]] = entry
    for (framework, backend), own in _added.items():
        found.setdefault(framework, {})[backend] = ("", own.closed_world)
    return found


_added: dict[tuple[str, str], Table] = {}


def add_table(added: Table) -> None:
    """Take another table into account from now on, in place of the package's of that name."""
    _added[added.framework, added.backend] = added
    index.cache_clear()
    table.cache_clear()


def near(name: str, known: Iterable[str]) -> str:
    """`did you mean ...? ` for a name that isn't among those, empty when none is like it."""
    found = get_close_matches(name.lower(), list(known), n=1)
    return f"did you mean {found[0]!r}? " if found else ""


def backends(framework: str) -> tuple[str, ...]:
    """Backends of a framework, converters included.

    Raises:
        CapabilityError: naming the frameworks that there are.
    """
    known = index()
    if framework not in known:
        raise CapabilityError(
            f"unknown framework {framework!r}: {near(framework, known)}known are {', '.join(known)}"
        )
    return tuple(known[framework])


@lru_cache(maxsize=64)
def table(framework: str, backend: str) -> Table:
    """The rows of one backend.

    Raises:
        CapabilityError: unknown framework or backend (names what there is), or a wrong table.
    """
    if backend not in backends(framework):
        there = backends(framework)
        raise CapabilityError(
            f"framework {framework!r} has no backend {backend!r}: {near(backend, there)}"
            f"it has {', '.join(there)}"
        )
    if (framework, backend) in _added:
        return _added[framework, backend]
    file, closed_world = index()[framework][backend]
    rows = {
        row["onnx_op"]: _row(row, file)
        for row in _file_rows(file)
        if row["framework"] == framework and row["backend"] == backend
    }
    return Table(framework=framework, backend=backend, closed_world=closed_world, rows=rows)


@lru_cache(maxsize=8)
def _file_rows(file: str) -> list[dict[str, str]]:
    return read_csv(file)


def _row(row: Mapping[str, str], file: str) -> Row:
    if row["status"] not in _STATUSES:
        raise CapabilityError(
            f"{file}: {row['framework']} {row['backend']} {row['onnx_op']} has status "
            f"{row['status']!r}: take one of {', '.join(_STATUSES)}"
        )
    return Row(
        status=row["status"],
        dtypes=frozenset(filter(None, row["dtypes"].split(";"))),
        constraint=row["constraint"],
        source=row["source"],
    )
