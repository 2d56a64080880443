"""Costs of a model on this machine, measured: `--profile host`.

What ONNX Runtime fuses is measured as one. Equal cores are measured once. Results are kept in the
cost store, and found there the next time: the whole model's, and each group's for other models that
have the same ops.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from hetsched.backends.ort_profile import runtime_version
from hetsched.cost.host import MAX_UNITS, Cluster, host_clusters, in_teams
from hetsched.cost.host_profile import host_profile
from hetsched.cost.measure import Progress
from hetsched.cost.measure_model import (
    Measured,
    measure_dispatch,
    measure_hand_off,
    measure_model,
)
from hetsched.cost.store import CostStore
from hetsched.cost.store_records import DISPATCH, HAND_OFF, MODEL, Entry, Facts, Measurement
from hetsched.cost.table import Cost, CostTable, Group
from hetsched.ir.model import Model
from hetsched.soc.profile import Profile

METHOD = 3
"""Raised when the way of measuring changes: older measurements aren't used any more."""


@dataclass(frozen=True, kw_only=True)
class Host:
    """This machine, to be measured into a store.

    Attributes:
        clusters: equal units each, fastest first.
        threads: of each run.
        store: where results are kept.
        profile: units and links, without any model's costs.
    """

    clusters: tuple[Cluster, ...]
    threads: int
    store: CostStore
    profile: Profile


def host(store: CostStore | Path | None = None, threads: int = 1) -> Host:
    """Look at this machine, and measure what doesn't depend on a model.

    Args:
        store: the cost store or its path; by default the user's.
        threads: of each run: as many cores make a unit.

    Raises:
        CostError: when there aren't as many cores, or the store can't be used.
    """
    kept = store if isinstance(store, CostStore) else CostStore(store)
    clusters = usable([in_teams(cluster, threads) for cluster in host_clusters()])
    return Host(
        clusters=clusters, threads=threads, store=kept, profile=_profile(clusters, kept, threads)
    )


def host_costs(
    model: Model,
    *,
    budget_s: float = 4.0,
    store: CostStore | Path | None = None,
    threads: int = 1,
    progress: Progress | None = None,
) -> tuple[Profile, CostTable]:
    """This machine as a profile, and what the model's groups cost on its units.

    Args:
        model: a loaded model.
        budget_s: wall time for measuring the model on each kind of core; large models take at least
            a few runs.
        store: the cost store or its path; by default the user's.
        threads: of each run: as many cores make a unit.
        progress: told the share of the measuring that is done.

    Raises:
        CostError: when ONNX Runtime can't run the model here, no input data can be made up for it,
            there aren't as many cores, or the store can't be used.
    """
    here = host(store, threads)
    if not model.graph.ops:
        return here.profile, CostTable(groups=(), costs={})
    return here.profile, table(here, costs_on(here, model, budget_s=budget_s, progress=progress))


def costs_on(
    here: Host,
    model: Model,
    *,
    budget_s: float,
    progress: Progress | None = None,
    told: Callable[[Cluster, Measured], None] | None = None,
) -> tuple[Measurement, ...]:
    """One measurement of a model per cluster, from the store or made now.

    Args:
        here: this machine.
        model: with at least one op.
        budget_s: wall time for measuring the model on each kind of core.
        progress: told the share of the measuring that is done.
        told: told what was measured on each kind of core; not called where the store has all.

    Raises:
        CostError: see `host_costs`.
        KeyboardInterrupt: when the user ends it; what was measured is in the store.
    """
    found = [_stored(model, cluster, here) for cluster in here.clusters]
    fitting = [measurement for measurement in found if measurement is not None]
    if len(fitting) == len(here.clusters) and len({_partition(each) for each in fitting}) == 1:
        return tuple(fitting)
    return tuple(
        _measured(here, cluster, model, budget_s, _share(progress, index, len(here.clusters)), told)
        for index, cluster in enumerate(here.clusters)
    )


def _measured(
    here: Host,
    cluster: Cluster,
    model: Model,
    budget_s: float,
    progress: Progress | None,
    told: Callable[[Cluster, Measured], None] | None,
) -> Measurement:
    facts = unit_facts(cluster, here.threads)

    def known(signatures: Collection[str]) -> tuple[Entry, ...]:
        return here.store.get_entries(signatures, facts)

    done = measure_model(
        model,
        cluster,
        dispatch_ns=here.profile.unit(cluster.cores[0].unit).dispatch_ns,
        budget_s=budget_s,
        threads=here.threads,
        known=known if here.store.has_entries(facts) else None,
        progress=progress,
    )
    here.store.put_entries(done.fresh, facts)
    here.store.put(done.measurement, facts)
    if told is not None:
        told(cluster, done)
    if done.interrupted:
        raise KeyboardInterrupt
    return done.measurement


def usable(clusters: Sequence[Cluster]) -> tuple[Cluster, ...]:
    """The fastest units, as many as planning takes."""
    left = MAX_UNITS
    kept = []
    for cluster in clusters:
        cores = cluster.cores[:left]
        left -= len(cores)
        if cores:
            kept.append(replace(cluster, cores=cores))
    return tuple(kept)


def unit_facts(cluster: Cluster, threads: int = 1) -> Facts:
    """What tells a unit under this runtime from another: the key of its measurements."""
    return {**cluster.facts, "runtime": runtime_version(), "threads": threads, "method": METHOD}


def _profile(clusters: Sequence[Cluster], store: CostStore, threads: int) -> Profile:
    dispatch = {}
    for cluster in clusters:
        facts = unit_facts(cluster, threads)
        measurement = store.get(DISPATCH, "", facts)
        if measurement is None:
            measurement = measure_dispatch(cluster, threads)
            store.put(measurement, facts)
        dispatch.update({core.unit: measurement for core in cluster.cores})
    return host_profile(clusters, dispatch, _hand_off(clusters, store, threads), runtime_version())


def _hand_off(clusters: Sequence[Cluster], store: CostStore, threads: int) -> Measurement | None:
    """From the first unit's thread to the second's; None with one unit only."""
    cores = [core for cluster in clusters for core in cluster.cores]
    if len(cores) < 2:
        return None
    facts = unit_facts(clusters[0], threads)
    measurement = store.get(HAND_OFF, "", facts)
    if measurement is None:
        measurement = measure_hand_off(cores[0].cpus, cores[1].cpus)
        store.put(measurement, facts)
    return measurement


def _stored(model: Model, cluster: Cluster, here: Host) -> Measurement | None:
    """A measurement that fits the model's ops; one that doesn't is as good as none."""
    found = here.store.get(MODEL, model.prepared_sha256, unit_facts(cluster, here.threads))
    if found is None:
        return None
    ops = sorted(op for part in found.parts for op in part.ops)
    return found if ops == sorted(model.graph.op) else None


def _partition(measurement: Measurement) -> tuple[tuple[str, ...], ...]:
    return tuple(part.ops for part in measurement.parts)


def table(here: Host, measurements: Sequence[Measurement]) -> CostTable:
    """Costs per unit from one measurement per cluster."""
    groups = tuple(Group(name=part.name, ops=part.ops) for part in measurements[0].parts)
    costs = {}
    for cluster, measurement in zip(here.clusters, measurements, strict=True):
        for part in measurement.parts:
            cost = Cost(
                latency_ns=part.latency_ns,
                low_ns=part.low_ns,
                high_ns=part.high_ns,
                origin=measurement.origin,
                dtype=measurement.dtype,
            )
            costs.update({(part.name, core.unit): cost for core in cluster.cores})
    return CostTable(groups=groups, costs=costs)


def _share(progress: Progress | None, index: int, count: int) -> Progress | None:
    if progress is None:
        return None
    return lambda done: progress((index + done) / count)
