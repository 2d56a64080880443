"""TFLite and LiteRT: what `benchmark_model` prints, as text or as CSV.

With `--enable_op_profiling=true` there is a table per kernel, in the order in which they run; older
versions have a column `[start]`, `--profiling_output_csv_file` makes it CSV. `[avg ms]` is the time
of one call. The kernels' spread isn't printed: theirs is taken to be that of the whole run, `min`
and `max` against `avg` of its `Timings` line. Lines may carry a prefix of Android's or
TensorFlow's log. Without a table the time of the whole network is all there is.

LiteRT's tools print the same table after `--use_profiler=true`.

Source: logs published with TensorFlow's and Arm's documentation and in TensorFlow's issues (2018 to
2025), and the header strings of stats_calculator.
"""

import re
from collections.abc import Iterator

from hetsched.cost.importing.numbers import time_ns, whole
from hetsched.cost.importing.record import ImportedCost, Text, Wanted, same_threads, spread
from hetsched.cost.importing.tflite_whole import NUMBER, Ratio, has_total, ratio_of, total
from hetsched.errors import CostError

NAME = "tflite"
_REGULAR = "Operator-wise Profiling Info for Regular Benchmark Runs"
_TABLE = re.compile(r"=+ Run Order =+")
_HEADS = re.compile(r"\[node type\].*\[avg ms\].*\[Name\]")
_CSV_HEAD = re.compile(r"node type, (start, )?first, avg_ms, %, cdf%, mem KB, times called, name")
_PREFIX = re.compile(
    r"^\s*(?:\d\d-\d\d \S+ +\d+ +\d+ \w \S+ *: |\d{4}-\d\d-\d\d \S+: \w \S+\] |INFO: )"
)
"""Of Android's and TensorFlow's logs."""
_THREADS = (
    re.compile(r"(?:#threads used for CPU inference|Num threads):\s+\[?(-?\d{1,9})"),
    re.compile(r"--num_threads[= ](\d{1,9})"),
)
_GRAPH = (
    re.compile(r"Graph: \[(.+?)\]\s*$"),
    re.compile(r"Model: {2,}(\S+)\s*$"),
    re.compile(r"--(?:graph|model)[= ](\S+)"),
)
"""Printed by the tools, or in the command line above."""
_NOT_KERNELS = re.compile(r"AllocateTensors$|ModifyGraphWithDelegate$|LiteRT::Run\[")
"""Rows about preparing, and about each run's dispatch: no kernel's time."""
_DELEGATE = re.compile(r"TfLite(\w+?)Delegate(V2)?$")
_TICK_NS = 1000


def is_log(text: Text) -> bool:
    """Whether a file looks like benchmark_model's output."""
    return has_total(text) or any(
        _HEADS.search(line) or _CSV_HEAD.search(line) for line in text.lines
    )


def read(text: Text, wanted: Wanted) -> list[ImportedCost]:
    """A row per kernel in the order of running, and one of the whole network where it's timed.

    Raises:
        CostError: naming line, field and remedy.
    """
    text = Text(name=text.name, lines=[_PREFIX.sub("", line) for line in text.lines])
    threads = _threads(text, wanted)
    ops = _chosen(text, list(_ops(text, wanted, threads)), wanted.only)
    whole_model = _whole_model(text, wanted, threads, _backend(ops))
    delegates = [row for row in ops if _delegate(row)]
    if ops and len(delegates) == len(ops):
        ops = []
    if not ops and whole_model is None:
        raise CostError(
            f"{text.name} has neither a table of kernels nor the time of the whole network: run "
            f"benchmark_model to its end with --enable_op_profiling=true; nothing was imported"
        )
    return [*ops, *([whole_model] if whole_model is not None else [])]


def _threads(text: Text, wanted: Wanted) -> int | None:
    for pattern in _THREADS:
        for number, line in enumerate(text.lines, 1):
            match = pattern.search(line)
            if match and int(match[1]) > 0:
                return same_threads(text, number, int(match[1]), wanted)
    return wanted.threads


def _ops(text: Text, wanted: Wanted, threads: int | None) -> Iterator[ImportedCost]:
    start = _table_at(text)
    if start is None:
        return
    # Of the table's own `Timings` line, else of the last runs before it.
    ratio = ratio_of((*text.lines[start:], *reversed(text.lines[:start])))
    head = text.lines[start]
    for number in range(start + 1, len(text.lines)):
        line = text.lines[number]
        if not line.strip() or "=====" in line or "Number of nodes executed" in line:
            return
        cells = _cells(line, head)
        if cells is None:
            text.refuse(number + 1, f"{line.strip()[:60]!r} is no row of the table: is it whole?")
        if not _NOT_KERNELS.match(cells[0]):
            yield _row(text, number + 1, cells, wanted, threads, ratio)


def _table_at(text: Text) -> int | None:
    """Position of the head of the table of regular runs; the last one where none is marked."""
    lines = text.lines
    begin = next((at for at, line in enumerate(lines) if _REGULAR in line), None)
    found = [
        at
        for at, line in enumerate(lines)
        if (_HEADS.search(line) or _CSV_HEAD.search(line))
        and (at == 0 or "=====" not in lines[at - 1] or _TABLE.search(lines[at - 1]))
    ]
    if begin is None:
        return found[-1] if found else None
    return next((at for at in found if at > begin), None)


def _cells(line: str, head: str) -> tuple[str, str, str, str] | None:
    """Node type, mean, calls per run and name; None when the line has no such form."""
    if _CSV_HEAD.search(head):
        parts = line.split(", ")
        wide = 9 if "start, " in head else 8
        if len(parts) < wide:
            return None
        return ", ".join(parts[: 1 - wide]), parts[-6], parts[-2], parts[-1]
    times = 3 if "[start]" in head else 2
    columns = rf"((?:{NUMBER}\s+){{{times}}}){NUMBER}%\s+{NUMBER}%\s+{NUMBER}\s+(\d+)\s*(.*)$"
    match = re.search(rf"(?:^|\s)(\S.*?)\s+{columns}", line, re.IGNORECASE)
    if match is None:
        return None
    return match[1].strip(), match[2].split()[-1], match[3], match[4]


def _row(
    text: Text,
    number: int,
    cells: tuple[str, str, str, str],
    wanted: Wanted,
    threads: int | None,
    ratio: Ratio | None,
) -> ImportedCost:
    kind, mean, calls, name = cells
    each = time_ns(text, number, "avg ms", mean, 1e6)
    ns = each * max(1, whole(text, number, "times called", calls, 0))
    low, high = spread(ns) if ratio is None else (round(ns * ratio.low), round(ns * ratio.high))
    return ImportedCost(
        at=f"{text.name}:{number} ({kind})",
        scope="op",
        name=name.strip(),
        kind=kind,
        unit=wanted.unit,
        dtype=wanted.dtype,
        threads=threads,
        framework=NAME,
        backend="xnnpack" if name.startswith("Delegate/") else "",
        latency_ns=ns,
        low_ns=low,
        high_ns=high,
        runs=ratio.runs if ratio else 0,
        tick_ns=_TICK_NS,
    )


def _delegate(row: ImportedCost) -> str:
    """`Gpu` for a row that is a whole delegate, empty for a kernel."""
    match = _DELEGATE.match(row.kind)
    return match[1] if match else ""


def _chosen(text: Text, ops: list[ImportedCost], only: str | None) -> list[ImportedCost]:
    """Kernels of the CPU, or of one delegate's rows.

    Raises:
        CostError: for rows of both when none is asked for, and for delegates, whose rows don't
            say which ops they hold.
    """
    delegates = [row for row in ops if _delegate(row)]
    if not delegates or len(delegates) == len(ops):
        return ops
    names = ", ".join(dict.fromkeys(row.kind for row in delegates))
    if only is not None and only.lower() == "cpu":
        return [row for row in ops if not _delegate(row)]
    raise CostError(
        f"{text.name} mixes units: {len(ops) - len(delegates)} kernels on the CPU and "
        f"{len(delegates)} rows of {names}, which don't say which ops they hold; take the CPU's "
        f"with --only cpu; nothing was imported"
    )


def _backend(ops: list[ImportedCost]) -> str:
    found = {_delegate(row).lower() or row.backend for row in ops}
    return next(iter(found)) if len(found) == 1 else ""


def _whole_model(
    text: Text, wanted: Wanted, threads: int | None, backend: str
) -> ImportedCost | None:
    """The network's mean, with the spread of the same runs."""
    found = None if wanted.only is not None else total(text)
    if found is None:
        return None
    return ImportedCost(
        at=f"{text.name}:{found.line}",
        scope="model",
        name=_graph_name(text),
        unit=wanted.unit,
        dtype=wanted.dtype,
        threads=threads,
        framework=NAME,
        backend=backend,
        latency_ns=found.latency_ns,
        low_ns=found.low_ns,
        high_ns=found.high_ns,
        runs=found.runs,
        tick_ns=found.tick_ns,
    )


def _graph_name(text: Text) -> str:
    """Of the model's file; the log's own where it doesn't say."""
    for pattern in _GRAPH:
        for line in text.lines:
            match = pattern.search(line)
            if match:
                return match[1].replace("\\", "/").rsplit("/", 1)[-1].removesuffix(".tflite")
    return text.name.rsplit(".", 1)[0]
