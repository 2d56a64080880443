"""Measuring some models with some thread counts into the store, within one budget."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from time import monotonic

from hetsched.cost.host import Cluster, host_clusters, in_teams
from hetsched.cost.measure_load import Load
from hetsched.cost.measure_model import Measured
from hetsched.cost.measured import Host, costs_on, host, usable
from hetsched.cost.store import CostStore
from hetsched.cost.store_records import Measurement
from hetsched.errors import CostError
from hetsched.ir.model import Model

DEFAULT_BUDGET_S = 10.0
"""Per model, thread count and kind of core, where no budget is given."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What measuring one model on one kind of unit came to.

    Attributes:
        model: its name.
        units: that it holds for: equal ones are measured once.
        threads: of each run.
        measurement: as stored.
        pieces: groups and changes of layout; None where the store had the model.
        reused: how many of them the store knew.
        error: half the 95% confidence interval of the median; None where nothing ran.
        boundary_ns: what of the time is changes of layout.
        load: what other programs did meanwhile.
        seconds: wall time that it took.
    """

    model: str
    units: tuple[str, ...]
    threads: int
    measurement: Measurement
    pieces: int | None = None
    reused: int | None = None
    error: float | None = None
    boundary_ns: int | None = None
    load: Load | None = None
    seconds: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What to measure.

    Attributes:
        models: each with at least one op.
        threads: of each run, one or more counts.
        units: names of units to measure, all where there are none.
        budget_s: wall time for all of it; None for a default per measurement.
        store: where results are kept.
    """

    models: Sequence[Model]
    threads: Sequence[int]
    units: Sequence[str]
    budget_s: float | None
    store: CostStore


def measure(wanted: Wanted, progress: Callable[[str, float], None] | None = None) -> Iterator[Row]:
    """Measure, and hand out each result once it is in the store.

    What a measurement leaves of its share of the budget, the later ones get.

    Args:
        wanted: see there.
        progress: told what is being measured and the share that is done.

    Raises:
        CostError: when a model can't run here, a unit or that many cores aren't there, or the
            store can't be used.
        KeyboardInterrupt: when the user ends it; what was handed out is in the store.
    """
    started = monotonic()
    hosts = [_hosts(wanted, threads) for threads in wanted.threads]
    left = sum(len(here.clusters) for here in hosts) * len(wanted.models)
    for model in wanted.models:
        for here in hosts:
            share_s = DEFAULT_BUDGET_S
            if wanted.budget_s is not None:
                spent_s = monotonic() - started
                share_s = max(0.0, wanted.budget_s - spent_s) * len(here.clusters) / left
            left -= len(here.clusters)
            yield from _rows(model, here, share_s / len(here.clusters), progress)


def unit_names(threads: int) -> tuple[str, ...]:
    """Of this machine's units with that many threads."""
    clusters = usable([in_teams(cluster, threads) for cluster in host_clusters()])
    return tuple(core.unit for cluster in clusters for core in cluster.cores)


def _hosts(wanted: Wanted, threads: int) -> Host:
    here = host(wanted.store, threads)
    if not wanted.units:
        return here
    known = unit_names(threads)
    for unit in wanted.units:
        if unit not in known:
            raise CostError(
                f"unit {unit!r} isn't on this machine with threads: {threads}; "
                f"it has {', '.join(known)}"
            )
    kept = tuple(
        cluster
        for cluster in here.clusters
        if any(core.unit in wanted.units for core in cluster.cores)
    )
    return replace(here, clusters=kept)


def _rows(
    model: Model,
    here: Host,
    budget_s: float,
    progress: Callable[[str, float], None] | None,
) -> Iterator[Row]:
    begin = monotonic()
    done: dict[str, Measured] = {}
    name = f"{model.name}, {here.threads} thread{'s' if here.threads > 1 else ''}"

    def told(cluster: Cluster, measured: Measured) -> None:
        done[cluster.cores[0].unit] = measured

    def share(part: float) -> None:
        if progress is not None:
            progress(name, part)

    interrupted = False
    try:
        measurements = costs_on(here, model, budget_s=budget_s, progress=share, told=told)
    except KeyboardInterrupt:
        if not done:
            raise
        interrupted = True
        measurements = tuple(measured.measurement for measured in done.values())
    seconds = monotonic() - begin
    for cluster, measurement in zip(here.clusters, measurements, strict=not interrupted):
        yield _row(model, here, cluster, measurement, done, seconds)
    if interrupted:
        raise KeyboardInterrupt


def _row(
    model: Model,
    here: Host,
    cluster: Cluster,
    measurement: Measurement,
    done: dict[str, Measured],
    seconds: float,
) -> Row:
    row = Row(
        model=model.name,
        units=tuple(core.unit for core in cluster.cores),
        threads=here.threads,
        measurement=measurement,
        seconds=seconds,
    )
    measured = done.get(cluster.cores[0].unit)
    if measured is None:
        return row
    return replace(
        row,
        pieces=measured.pieces,
        reused=measured.reused,
        error=measured.error,
        boundary_ns=measured.boundary_ns,
        load=measured.load,
    )
