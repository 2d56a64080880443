"""MNN: the table that `benchmark.out` prints, one line per network, in milliseconds.

Above each table stands `Forward type: **OpenCL** thread=4** precision=2`. The time is the mean, the
band goes from min to max. A line `Vulkan don't support 68, Reduction: ...` says that parts of the
next network ran on the CPU: its row is left out, and that is logged. Input shapes aren't printed.

Source: outputs of 2019 to 2022 published with MNN's documentation and by its users.
"""

import logging
import re

from hetsched.cost.importing.blocks import Block, choose
from hetsched.cost.importing.numbers import spread_ns
from hetsched.cost.importing.record import ImportedCost, Text, Wanted
from hetsched.errors import CostError

NAME = "mnn"
_HEAD = re.compile(r"Forward type: \*\*(\w+)\*\*(?:\s*thread=(\d{1,9}))?(?:.*?precision=(\d))?")
_LOOP = re.compile(r"Benchmarking\.\.\. loop = (\d{1,9})")
_ROW = re.compile(
    r"^\s*\[ - \]\s+(\S+)\s+max =\s*(\S+?)\s?([a-zµ]*s)\s+min =\s*(\S+?)\s?([a-zµ]*s)\s+"
    r"avg =\s*(\S+?)\s?([a-zµ]*s)\s*$"
)
_ANY_ROW = re.compile(r"^\s*\[ - \]\s+\S+\s+max =")
_FALLBACK = re.compile(r"^\s*(\w+) don't support (\d+)")
_TICK_NS = 1000
_LOG = logging.getLogger("hetsched.cost.importing")

NETWORKS = {
    "mobilenet-v1-1.0": ("mobilenet_v1", "1x3x224x224"),
    "MobileNetV2_224": ("mobilenet_v2", "1x3x224x224"),
    "resnet-v2-50": ("resnet50_v2", "1x3x224x224"),
}
"""MNN's benchmark model to the network in the tables of `hetsched calibrate`, and its input."""


def is_log(text: Text) -> bool:
    """Whether a file looks like benchmark.out's output."""
    return any(_HEAD.search(line) or _ANY_ROW.match(line) for line in text.lines)


def read(text: Text, wanted: Wanted) -> list[ImportedCost]:
    """A row per network that ran on the backend alone.

    Raises:
        CostError: naming line, field and remedy.
    """
    block = Block(line=0, threads=None, backend="", detail="precision not stated", runs=0)
    rows: list[ImportedCost] = []
    detail: dict[str, str] = {}
    fallback = 0
    for number, line in enumerate(text.lines, 1):
        if match := _HEAD.search(line):
            block, fallback = _block(number, match), 0
        elif match := _LOOP.search(line):
            block = Block(
                line=block.line,
                threads=block.threads,
                backend=block.backend,
                detail=block.detail,
                runs=int(match[1]),
            )
        elif _FALLBACK.match(line):
            fallback = number
        elif _ANY_ROW.match(line):
            row = _row(text, number, line, block, wanted)
            if fallback:
                _LOG.warning("%s: %s left out: line %d: %s", row.at, row.name, fallback,
                             text.lines[fallback - 1].strip())  # fmt: skip
                fallback = 0
                continue
            rows.append(row)
            detail[row.at] = block.detail
    if not rows:
        raise CostError(
            f"{text.name} has no line '[ - ] NAME max = 1.0 ms min = 0.9 ms avg = 0.95 ms' of a "
            f"network that ran on one backend alone; nothing was imported"
        )
    return choose(text, rows, wanted, lambda row: detail[row.at])


def _block(number: int, match: re.Match[str]) -> Block:
    precision = {"0": "normal precision", "1": "high precision", "2": "low precision"}
    return Block(
        line=number,
        threads=int(match[2]) if match[2] and match[1] == "CPU" else None,
        backend=match[1].lower(),
        detail=precision.get(match[3] or "", "precision not stated"),
        runs=0,
    )


def _row(text: Text, number: int, line: str, block: Block, wanted: Wanted) -> ImportedCost:
    match = _ROW.match(line)
    if match is None:
        text.refuse(number, f"{line.strip()[:60]!r} is no whole row: copy the line completely")
    if {match[3], match[5], match[7]} != {"ms"}:
        units = ", ".join((match[3], match[5], match[7]))
        text.refuse(number, f"units of measure {units}: all times of MNN's table are ms")
    low, mean, high = spread_ns(text, number, match[4], match[6], match[2])
    base = match[1].removesuffix(".mnn")
    name, shape = NETWORKS.get(base, (base, ""))
    return ImportedCost(
        at=f"{text.name}:{number}",
        scope="model",
        name=name,
        unit=wanted.unit,
        dtype=wanted.dtype,
        threads=wanted.threads if block.threads is None else block.threads,
        framework=NAME,
        backend=block.backend,
        latency_ns=mean,
        low_ns=low,
        high_ns=high,
        runs=block.runs,
        input_shape=shape,
        tick_ns=_TICK_NS,
    )
