"""Imported rows as entries of the cost store."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from hetsched.convert.capability import refusals as find_refusals
from hetsched.cost.fusion import groups as fuse
from hetsched.cost.importing import onnxruntime, table
from hetsched.cost.importing.anchor import anchor
from hetsched.cost.importing.networks import named_rows, network_entry, unknown_networks
from hetsched.cost.importing.overhead import without_overhead
from hetsched.cost.importing.physical import check_pieces
from hetsched.cost.importing.pieces import Piece, group_costs, pieces
from hetsched.cost.importing.record import ImportedCost, spread
from hetsched.cost.importing.target import Target
from hetsched.cost.signature import describe, group_dtype, signature
from hetsched.cost.store_records import Entry, Facts
from hetsched.errors import CostError
from hetsched.ir.features import op_features
from hetsched.ir.model import Model
from hetsched.quantity import Origin


@dataclass(frozen=True, slots=True, kw_only=True)
class Import:
    """What a file comes to.

    Attributes:
        batches: entries by unit, for the store.
        groups: number of the model's groups; 0 without a model.
        covered: how many of them have a time now.
        split: how many of those have only a share of a measured time.
        total_ns: of the kernels together.
        networks: rows of whole networks.
        notes: what the user should know.
    """

    batches: tuple[tuple[tuple[Entry, ...], Facts], ...]
    groups: int = 0
    covered: int = 0
    split: int = 0
    total_ns: int = 0
    networks: tuple[ImportedCost, ...] = ()
    notes: tuple[str, ...] = ()


def convert(rows: Sequence[ImportedCost], target: Target) -> Import:
    """Check rows against the unit and the model, and make entries of them; nothing is written.

    Raises:
        CostError: naming the row, the field and the remedy.
    """
    for row in rows:
        _check_row(row, target)
    ops = [row for row in rows if row.scope == "op"]
    if target.whole_ns is not None:
        rows, ops = _with_whole(ops, target, target.whole_ns)
    networks = tuple(row for row in rows if row.scope == "model")
    if ops and target.model is None:
        raise CostError(
            f"{ops[0].at}: times of single ops mean something only for a model: give the one that "
            f"was measured with --model; nothing was imported"
        )
    made = _of_model(target.model, ops, target) if ops and target.model else Import(batches=())
    batches: dict[tuple[tuple[str, str | int], ...], list[Entry]] = {
        tuple(facts.items()): list(entries) for entries, facts in made.batches
    }
    for row in networks:
        facts = target.facts(row)
        batches.setdefault(tuple(facts.items()), []).append(network_entry(row, target))
    return Import(
        batches=tuple((tuple(entries), dict(facts)) for facts, entries in batches.items()),
        groups=made.groups,
        covered=made.covered,
        split=made.split,
        total_ns=made.total_ns,
        networks=named_rows(networks, target.model),
        notes=(*made.notes, *unknown_networks(networks, target)),
    )


def _with_whole(
    ops: Sequence[ImportedCost], target: Target, whole_ns: int
) -> tuple[list[ImportedCost], list[ImportedCost]]:
    """Kernels without the profiler's part, and the plain run as the network's own time."""
    if not ops or target.model is None or not target.whole_table or ops[0].framework == table.NAME:
        raise CostError(
            "--whole is the plain time of a model whose every kernel is in the file: leave it out "
            "with --only, for a CSV, and without --model; nothing was imported"
        )
    plain = without_overhead(ops, whole_ns - target.unit.dispatch_ns)
    low, high = spread(whole_ns)
    whole = replace(
        ops[0], at="--whole", scope="model", name=target.model.ref, kind="", outputs=None, runs=0,
        latency_ns=whole_ns, low_ns=low, high_ns=high, tick_ns=0,
    )  # fmt: skip
    return [*plain, whole], plain


def _check_row(row: ImportedCost, target: Target) -> None:
    unit, dtype = target.unit, target.dtype(row)
    known = tuple(dict.fromkeys((unit.dtype, *unit.rates)))
    if dtype not in known:
        raise CostError(
            f"{row.at}: dtype {dtype}, but unit {unit.name!r} of {target.profile.name} computes in "
            f"{' or '.join(known)}: measure it so, or say --dtype where the tool's word for it is "
            f"another; nothing was imported"
        )
    if unit.kind == "cpu" and row.threads is not None and row.threads > unit.cores:
        raise CostError(
            f"{row.at}: threads {row.threads}, but unit {unit.name!r} of {target.profile.name} has "
            f"{unit.cores} cores: measure with at most as many, pinned to them; "
            f"nothing was imported"
        )


def _of_model(model: Model, rows: Sequence[ImportedCost], target: Target) -> Import:
    graph, profile = model.graph, target.profile
    refused = find_refusals(graph, profile, None, None)
    groups = fuse(graph, refused, [unit.name for unit in profile.units])
    anchored = anchor(graph, rows, whole_table=target.whole_table)
    found = pieces(graph, rows, anchored, groups)
    dtype = target.dtype(rows[0])
    check_pieces(graph, found, target.unit, dtype)
    costs = group_costs(graph, groups, found)
    vague = {op.name for op in graph.ops if not op_features(graph, op).known}
    clear = {name: cost for name, cost in costs.items() if not vague.intersection(cost.ops)}
    kept = [piece for piece in found if not vague.intersection(piece.ops)]
    entries = _entries(model, [*kept, *clear.values()], rows[0], target)
    return Import(
        batches=((entries, target.facts(rows[0])),),
        groups=len(groups),
        covered=len(clear),
        split=sum(cost.origin is not Origin.MEASURED for cost in clear.values()),
        total_ns=sum(piece.latency_ns for piece in found),
        notes=(
            *anchored.notes,
            *_overhead_note(rows[0], target),
            *_vague_note(len(costs) - len(clear)),
        ),
    )


def _vague_note(groups: int) -> tuple[str, ...]:
    """A time without its shapes would be found again by other shapes."""
    if not groups:
        return ()
    what = "1 group has" if groups == 1 else f"{groups} groups have"
    return (
        f"{what} tensors of unknown shape, and no time now: it couldn't be told from that of other "
        f"sizes; freeze the model's sizes with --shape where that helps",
    )


def _overhead_note(row: ImportedCost, target: Target) -> tuple[str, ...]:
    if row.framework != onnxruntime.NAME or target.whole_ns is not None:
        return ()
    return (
        "each kernel's time includes what the profiler takes, a few microseconds: give the time "
        "of a plain run with --whole to have it taken off",
    )


def _entries(
    model: Model, found: Sequence[Piece], row: ImportedCost, target: Target
) -> tuple[Entry, ...]:
    """An entry per signature; what occurs several times in the model has one, of all of them."""
    same: dict[tuple[str, str], list[Piece]] = {}
    seen: set[tuple[str, ...]] = set()
    for piece in found:
        if piece.ops in seen:
            continue
        seen.add(piece.ops)
        quantized = group_dtype(model.graph, piece.ops) == "int8"
        dtype = "int8" if quantized and "int8" in target.unit.rates else target.dtype(row)
        same.setdefault((signature(model.graph, piece.ops), dtype), []).append(piece)
    date = row.date or target.date
    return tuple(
        Entry(
            signature=mark,
            dtype=dtype,
            what=describe(model.graph, alike[0].ops),
            model=model.name,
            source=target.source,
            measured_at=date,
            **_spread(alike),
        )
        for (mark, dtype), alike in same.items()
    )


def _spread(alike: Sequence[Piece]) -> Mapping[str, Any]:
    """Of pieces that are the same work: the mean, and the lowest and highest end."""
    mean = round(sum(piece.latency_ns for piece in alike) / len(alike))
    return {
        "origin": max((piece.origin for piece in alike), key=lambda origin: origin.rank),
        "runs": sum(piece.runs for piece in alike),
        "latency_ns": mean,
        "low_ns": min(mean, *(piece.low_ns for piece in alike), mean),
        "high_ns": max(mean, *(piece.high_ns for piece in alike), mean),
    }
