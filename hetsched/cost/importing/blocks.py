"""What the tables of ncnn and MNN share: blocks of settings, and rows of whole networks."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from hetsched.cost.importing.record import ImportedCost, Text, Wanted
from hetsched.errors import CostError


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Settings that the rows below them share.

    Attributes:
        line: where they begin, from 1.
        threads: None where it isn't said.
        backend: `cpu`, `vulkan`, `opencl`; empty where it isn't said.
        detail: what else tells one block from another.
        runs: per network; 0 where it isn't said.
    """

    line: int
    threads: int | None
    backend: str
    detail: str
    runs: int


def choose(
    text: Text,
    rows: Sequence[ImportedCost],
    wanted: Wanted,
    detail_of: Callable[[ImportedCost], str],
) -> list[ImportedCost]:
    """Rows of the asked-for thread count and backend.

    Raises:
        CostError: when the file mixes several and none is asked for, when nothing is left, or when
            a network is there twice.
    """
    kept = [
        row
        for row in rows
        if (wanted.threads is None or row.threads in (None, wanted.threads))
        and (wanted.only is None or row.backend == wanted.only.lower())
    ]
    if not kept:
        have = sorted({f"{row.backend or '?'} with {row.threads or '?'} threads" for row in rows})
        raise CostError(
            f"{text.name} has no row for what --threads and --only ask for, only "
            f"{', '.join(have)}; nothing was imported"
        )
    _single(text, "backends", "--only", [row.backend for row in kept])
    _single(text, "thread counts", "--threads", [str(row.threads) for row in kept])
    seen: dict[tuple[str, str | None], ImportedCost] = {}
    for row in kept:
        other = seen.setdefault((row.name, row.dtype), row)
        if other is not row:
            raise CostError(
                f"{row.at}: {row.name} is there twice, also at {other.at} "
                f"({detail_of(other)} and {detail_of(row)}): keep one table in the file; "
                f"nothing was imported"
            )
    return kept


def _single(text: Text, what: str, option: str, values: Sequence[str]) -> None:
    found = list(dict.fromkeys(values))
    if len(found) > 1:
        raise CostError(
            f"{text.name} mixes {what} {', '.join(found)}: choose one with {option}, as "
            f"{option} {found[0]}; nothing was imported"
        )
