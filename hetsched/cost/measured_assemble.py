"""From the times of a model's pieces to what the store keeps: the model as a whole, and entries."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from statistics import median

from hetsched.cost.bands import Band
from hetsched.cost.measure_prepared import Prepared
from hetsched.cost.measured_pieces import Key, Piece
from hetsched.cost.store_records import MODEL, Entry, Measurement
from hetsched.cost.store_records import Part as StoredPart
from hetsched.ir.model import Model
from hetsched.quantity import Origin


def now() -> str:
    """UTC, ISO 8601."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def assembled(
    model: Model,
    prepared: Prepared,
    timed: Sequence[tuple[Piece, Band]],
    dispatch_ns: int,
) -> Measurement:
    """The model's groups, each with all that is charged to it; the whole is their sum.

    Args:
        model: that was measured.
        prepared: its groups.
        timed: every piece with its time.
        dispatch_ns: of a stage without work.
    """
    rows: list[list[Band]] = [[] for _ in prepared.grouped.groups]
    for piece, spread in timed:
        rows[piece.group].append(spread)
    parts = tuple(
        StoredPart(
            name=group.name,
            ops=group.ops,
            latency_ns=sum(spread.latency_ns for spread in row),
            low_ns=sum(spread.low_ns for spread in row),
            high_ns=sum(spread.high_ns for spread in row),
        )
        for group, row in zip(prepared.grouped.groups, rows, strict=True)
    )
    return Measurement(
        kind=MODEL,
        digest=model.prepared_sha256,
        measured_at=now(),
        origin=Origin.MEASURED,
        dtype=_common(timed),
        runs=min((spread.runs for piece, spread in timed if piece.nodes), default=0),
        latency_ns=dispatch_ns + sum(part.latency_ns for part in parts),
        low_ns=dispatch_ns + sum(part.low_ns for part in parts),
        high_ns=dispatch_ns + sum(part.high_ns for part in parts),
        title=model.name,
        parts=parts,
    )


def entries(timed: Iterable[tuple[Piece, Band]], model: str) -> tuple[Entry, ...]:
    """One entry per key: of several equal pieces of a model, the typical one and all their spread.

    Args:
        timed: pieces with their times.
        model: name of the model that they were measured in.
    """
    rows: dict[Key, list[tuple[Piece, Band]]] = {}
    for piece, spread in timed:
        rows.setdefault(piece.key, []).append((piece, spread))
    measured_at = now()
    return tuple(
        Entry(
            signature=key.signature,
            form=key.form,
            dtype=key.dtype,
            what=row[0][0].what,
            model=model,
            measured_at=measured_at,
            origin=Origin.MEASURED,
            runs=sum(spread.runs for _, spread in row),
            latency_ns=round(median(spread.latency_ns for _, spread in row)),
            low_ns=min(spread.low_ns for _, spread in row),
            high_ns=max(spread.high_ns for _, spread in row),
        )
        for key, row in rows.items()
    )


def _common(timed: Iterable[tuple[Piece, Band]]) -> str:
    """The dtype in which the model spends most of its time, float32 where there is none."""
    spent: dict[str, int] = {}
    for piece, spread in timed:
        spent[piece.key.dtype] = spent.get(piece.key.dtype, 0) + spread.latency_ns
    return max(spent, key=lambda dtype: spent[dtype], default="float32")
