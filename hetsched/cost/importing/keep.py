"""Imported rows as entries of the cost store."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from hetsched.convert.capability import refusals as find_refusals
from hetsched.cost.calibrate.features import Features, published
from hetsched.cost.calibrate.graph import graph_features
from hetsched.cost.fusion import groups as fuse
from hetsched.cost.importing import onnxruntime, table, tflite
from hetsched.cost.importing.anchor import anchor
from hetsched.cost.importing.overhead import without_overhead
from hetsched.cost.importing.physical import check_network, check_pieces
from hetsched.cost.importing.pieces import Piece, group_costs, pieces
from hetsched.cost.importing.record import ImportedCost, spread
from hetsched.cost.signature import describe, group_dtype, signature
from hetsched.cost.store_records import Entry, Facts
from hetsched.cost.stored import whole_mark
from hetsched.errors import CostError
from hetsched.ir.features import op_features
from hetsched.ir.model import Model
from hetsched.quantity import Origin
from hetsched.soc.profile import Profile, Unit

NETWORK = "network"


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What was measured, and when.

    Attributes:
        profile: of the device.
        unit: of the profile.
        model: that the kernels belong to, None for tables of whole networks.
        source: the file's name.
        date: for rows without one.
        whole_table: whether all rows of the file are there.
        whole_ns: of a plain run of the whole model, None where it isn't known.
    """

    profile: Profile
    unit: Unit
    model: Model | None
    source: str
    date: str
    whole_table: bool = True
    whole_ns: int | None = None


def foreign_facts(
    profile: Profile, unit: Unit, framework: str, backend: str, dtype: str, threads: int | None
) -> Facts:
    """What tells a unit that isn't at hand from others: the key of its entries."""
    return {
        "profile": profile.name,
        "unit": unit.name,
        "framework": framework,
        "backend": backend,
        "dtype": dtype,
        "threads": threads or 0,
    }


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
        facts = _facts(row, target)
        batches.setdefault(tuple(facts.items()), []).append(_network(row, target))
    return Import(
        batches=tuple((tuple(entries), dict(facts)) for facts, entries in batches.items()),
        groups=made.groups,
        covered=made.covered,
        split=made.split,
        total_ns=made.total_ns,
        networks=named_rows(networks, target.model),
        notes=(*made.notes, *_unknown_networks(networks, target)),
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


def _dtype(row: ImportedCost, target: Target) -> str:
    return row.dtype or target.unit.dtype


def _facts(row: ImportedCost, target: Target) -> Facts:
    dtype = _dtype(row, target)
    return foreign_facts(
        target.profile, target.unit, row.framework, row.backend, dtype, row.threads
    )


def _check_row(row: ImportedCost, target: Target) -> None:
    unit, dtype = target.unit, _dtype(row, target)
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
    dtype = _dtype(rows[0], target)
    check_pieces(graph, found, target.unit, dtype)
    costs = group_costs(graph, groups, found)
    vague = {op.name for op in graph.ops if not op_features(graph, op).known}
    clear = {name: cost for name, cost in costs.items() if not vague.intersection(cost.ops)}
    kept = [piece for piece in found if not vague.intersection(piece.ops)]
    entries = _entries(model, [*kept, *clear.values()], rows[0], target)
    return Import(
        batches=((entries, _facts(rows[0], target)),),
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
        dtype = "int8" if quantized and "int8" in target.unit.rates else _dtype(row, target)
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


def _own(row: ImportedCost, model: Model | None) -> bool:
    """Whether a network is the model that the caller gave.

    A file of benchmark_model is about one network, whatever it is called; rows of tables must have
    the model's name.
    """
    if model is None:
        return False
    return row.framework == tflite.NAME or row.name in (model.name, model.ref)


def _network(row: ImportedCost, target: Target) -> Entry:
    """A whole network's entry, under the model's digest where it is the one given."""
    dtype, model = _dtype(row, target), target.model
    if model is not None and _own(row, model):
        _check_input(row, model)
        mark, title = whole_mark(model), model.name
        features: Features | None = graph_features(model.graph)
    else:
        mark, title = network_mark(row.name, row.input_shape), row.name
        features = published().get((row.name, row.input_shape))
    if features is not None:
        check_network(row, features, target.unit, dtype)
    return Entry(
        signature=mark,
        dtype=dtype,
        what=f"network {row.name} {row.input_shape}".strip(),
        model=title,
        source=target.source,
        measured_at=row.date or target.date,
        origin=Origin.MEASURED,
        runs=max(1, row.runs),
        latency_ns=row.latency_ns,
        low_ns=row.low_ns,
        high_ns=row.high_ns,
    )


def _check_input(row: ImportedCost, model: Model) -> None:
    """See that a row with an input's shape has one of the model's."""
    known = [input_text(shape) for shape in model.shapes.values()]
    if row.input_shape and known and row.input_shape not in known:
        raise CostError(
            f"{row.at}: input_shape {row.input_shape}, but the model's is {' and '.join(known)}: "
            f"give the measured one with --shape; nothing was imported"
        )


def input_text(shape: Sequence[int]) -> str:
    """`1x3x224x224`."""
    return "x".join(str(dim) for dim in shape)


def named_rows(rows: Sequence[ImportedCost], model: Model | None) -> tuple[ImportedCost, ...]:
    """Rows for calibration: the given model by its reference and its first input's shape."""
    if model is None or not model.shapes:
        return tuple(rows)
    shape = input_text(next(iter(model.shapes.values())))
    return tuple(
        replace(row, name=model.ref, input_shape=shape) if _own(row, model) else row for row in rows
    )


def network_mark(name: str, input_shape: str) -> str:
    """What stands for the signature of a network without a graph."""
    return f"{NETWORK} {name} {input_shape}".rstrip()


def _unknown_networks(rows: Sequence[ImportedCost], target: Target) -> tuple[str, ...]:
    unknown = [row.name for row in rows if (row.name, row.input_shape) not in published()]
    if not unknown or target.model is not None:
        return ()
    names = ", ".join(dict.fromkeys(unknown))
    return (
        f"no features are known of {names}: `hetsched calibrate` needs them with --features, and "
        f"the input's shape",
    )
