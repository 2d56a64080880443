"""Times of whole networks: of the model that was given, or of networks known by name."""

from collections.abc import Sequence
from dataclasses import replace

from hetsched.cost.calibrate.features import Features, published
from hetsched.cost.calibrate.graph import graph_features
from hetsched.cost.importing import tflite
from hetsched.cost.importing.physical import check_network
from hetsched.cost.importing.record import ImportedCost
from hetsched.cost.importing.target import Target
from hetsched.cost.store_records import Entry
from hetsched.cost.stored import whole_mark
from hetsched.errors import CostError
from hetsched.ir.model import Model
from hetsched.quantity import Origin

NETWORK = "network"


def network_entry(row: ImportedCost, target: Target) -> Entry:
    """A whole network's entry, under the model's digest where it is the one given."""
    dtype, model = target.dtype(row), target.model
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


def _own(row: ImportedCost, model: Model | None) -> bool:
    """Whether a network is the model that the caller gave.

    A file of benchmark_model is about one network, whatever it is called; rows of tables must have
    the model's name.
    """
    if model is None:
        return False
    return row.framework == tflite.NAME or row.name in (model.name, model.ref)


def _check_input(row: ImportedCost, model: Model) -> None:
    """See that a row with an input's shape has one of the model's."""
    known = [input_text(shape) for shape in model.shapes.values()]
    if row.input_shape and known and row.input_shape not in known:
        raise CostError(
            f"{row.at}: input_shape {row.input_shape}, but the model's is {' and '.join(known)}: "
            f"give the measured one with --shape; nothing was imported"
        )


def named_rows(rows: Sequence[ImportedCost], model: Model | None) -> tuple[ImportedCost, ...]:
    """Rows for calibration: the given model by its reference and its first input's shape."""
    if model is None or not model.shapes:
        return tuple(rows)
    shape = input_text(next(iter(model.shapes.values())))
    return tuple(
        replace(row, name=model.ref, input_shape=shape) if _own(row, model) else row for row in rows
    )


def unknown_networks(rows: Sequence[ImportedCost], target: Target) -> tuple[str, ...]:
    """A note about networks that calibration knows nothing of."""
    unknown = [row.name for row in rows if (row.name, row.input_shape) not in published()]
    if not unknown or target.model is not None:
        return ()
    names = ", ".join(dict.fromkeys(unknown))
    return (
        f"no features are known of {names}: `hetsched calibrate` needs them with --features, and "
        f"the input's shape",
    )


def network_mark(name: str, input_shape: str) -> str:
    """What stands for the signature of a network without a graph."""
    return f"{NETWORK} {name} {input_shape}".rstrip()


def input_text(shape: Sequence[int]) -> str:
    """`1x3x224x224`."""
    return "x".join(str(dim) for dim in shape)
