"""Frameworks as text for an 80-column terminal."""

import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence

from hetsched.convert.frameworks import AS_OF, CAVEATS, PAPER, Backend, Cell, Limit, OpRow

WIDTH = 80
_NAME = "{:<16}"
_COLUMNS = {
    "CPU-x86": "x86", "CPU-Arm": "Arm", "GPU-CUDA": "CUDA", "GPU-OpenCL": "OpenCL", "APU": "APU",
    "NVDLA": "NVDLA", "NPU": "NPU", "Specific ASICs": "ASIC", "FPGA": "FPGA",
}  # fmt: skip
"""Table I's hardware to a short heading. CPUs are x86 and Arm, GPUs CUDA and OpenCL."""

_SHORT = {"yes": "yes", "no": "-", "partial": "part", "host-only": "host"}
_MARK = {"seen": "*", "inferred": "", "unverified": "?"}
_BACKEND = "{:<17} {:<10} {:>5} {:>7} {:>5}"


def matrix_lines(cells: Sequence[Cell], tables: Iterable[str]) -> Iterator[str]:
    """Table I then and today, what is unverified, and what has op tables."""
    yield from _wrapped(f"As of the paper: {PAPER}.")
    yield from _rows(cells, [("yes" if cell.paper else "-") for cell in cells])
    yield ""
    yield f"As of {AS_OF}:"
    yield from _rows(cells, [_SHORT[cell.today] + _MARK[cell.confidence] for cell in cells])
    yield from _wrapped(
        "* seen in a source, ? unverified, else inferred. part: in part, or only as a way in. "
        "host: drives another unit, runs no ops itself."
    )
    yield ""
    yield "Unverified:"
    for cell in cells:
        if cell.confidence == "unverified":
            yield from _item(f"{cell.framework}, {cell.hardware}: {cell.today}; {cell.note}")
    yield ""
    for name, text in CAVEATS.items():
        yield from _wrapped(f"{name}: {text}")
    yield ""
    yield from _wrapped(f"Op tables as of {AS_OF}, for --framework: {', '.join(tables)}.")
    yield "Backends, limits and sources of one: hetsched frameworks NAME."


def _rows(cells: Sequence[Cell], texts: Sequence[str]) -> Iterator[str]:
    widths = {name: max(len(short), 5) for name, short in _COLUMNS.items()}
    head = " ".join(f"{short:<{widths[name]}}" for name, short in _COLUMNS.items())
    yield f"{_NAME.format('framework')} {head}".rstrip()
    by_place = {
        (cell.framework, cell.hardware): text for cell, text in zip(cells, texts, strict=True)
    }
    for framework in dict.fromkeys(cell.framework for cell in cells):
        row = " ".join(f"{by_place[framework, name]:<{widths[name]}}" for name in _COLUMNS)
        yield f"{_NAME.format(framework)} {row}".rstrip()


def framework_lines(
    name: str, title: str | None, backends: Sequence[Backend], limits: Sequence[Limit]
) -> Iterator[str]:
    """A framework's op tables, then where they come from, then its limits."""
    yield f"{name}: {title} in Table I" if title and title != name else name
    yield _BACKEND.format("backend", "table", "full", "partial", "none")
    for backend in backends:
        world = "complete" if backend.closed_world else "incomplete"
        counts = (backend.full, backend.partial, backend.none)
        yield _BACKEND.format(backend.name, world, *counts)
    yield from _wrapped(
        "ops: taken, taken under a condition, known as not taken. Others are refused where the "
        "table is complete, and unknown where it isn't."
    )
    yield ""
    for backend in backends:
        yield from _item(f"{backend.name}: {backend.method}; {backend.source}", "")
        if backend.note:
            yield from _wrapped(backend.note, "    ")
    yield ""
    yield "Limits:" if limits else "No limits listed."
    for limit in limits:
        yield from _item(f"{limit.backend}, {limit.limit}: {limit.value} [{limit.source}]")


def op_lines(op: str, found: Mapping[str, Sequence[OpRow]]) -> Iterator[str]:
    """What tables say about an op, backend by backend."""
    for framework, rows in found.items():
        yield f"{op} on {framework}"
        for row in rows:
            words = [f"{row.backend}: {row.status}"]
            words.append(", ".join(row.dtypes))
            if row.constraint:
                how = {True: "checked", False: "not checked", None: "as told"}[row.checked]
                words.append(f"{row.constraint} ({how})")
            source = f" [{row.source}]" if row.source else ""
            yield from _item("; ".join(filter(None, words)) + source)
    yield from _wrapped(
        "refused: no row, and the table is complete. unknown: no row, and it isn't."
    )


def hardware_lines(cells: Sequence[Cell]) -> Iterator[str]:
    """A framework's row of Table I, cell by cell."""
    yield "Hardware: the paper, today"
    for cell in cells:
        paper = "yes" if cell.paper else "no"
        text = f"{cell.hardware}: {paper}, {cell.today} ({cell.confidence}); {cell.note}"
        yield from _item(f"{text} [{cell.source}]" if cell.source else text)
    for name in dict.fromkeys(cell.framework for cell in cells):
        if name in CAVEATS:
            yield from _wrapped(f"{name}: {CAVEATS[name]}")


def _wrapped(text: str, indent: str = "") -> list[str]:
    return textwrap.wrap(
        text,
        WIDTH,
        initial_indent=indent,
        subsequent_indent=indent,
        break_on_hyphens=False,
    )


def _item(text: str, indent: str = "  ") -> list[str]:
    return textwrap.wrap(
        text,
        WIDTH,
        initial_indent=indent,
        subsequent_indent=f"{indent}    ",
        break_on_hyphens=False,
    )
