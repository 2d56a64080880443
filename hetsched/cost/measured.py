"""Costs of a model on this machine, measured: `--profile host`.

What ONNX Runtime fuses is measured as one. Equal cores are measured once. Results are kept in the
cost store, and found there the next time.
"""

from collections.abc import Sequence
from pathlib import Path

from hetsched.backends.ort_profile import runtime_version
from hetsched.cost.host import MAX_UNITS, Cluster, host_clusters
from hetsched.cost.host_profile import host_profile
from hetsched.cost.measure import Progress
from hetsched.cost.measure_model import THREADS, measure_dispatch, measure_hand_off, measure_model
from hetsched.cost.store import CostStore
from hetsched.cost.store_records import DISPATCH, HAND_OFF, MODEL, Facts, Measurement
from hetsched.cost.table import Cost, CostTable, Group
from hetsched.ir.model import Model
from hetsched.soc.profile import Profile

METHOD = 1
"""Raised when the way of measuring changes: older measurements aren't used any more."""


def host_costs(
    model: Model,
    *,
    budget_s: float = 4.0,
    store: CostStore | Path | None = None,
    progress: Progress | None = None,
) -> tuple[Profile, CostTable]:
    """This machine as a profile, and what the model's groups cost on its cores.

    Args:
        model: a loaded model.
        budget_s: wall time for running the model on each kind of core; loading comes on top, and
            large models take at least a few runs.
        store: the cost store or its path; by default the user's.
        progress: told the share of the measuring that is done.

    Raises:
        CostError: when ONNX Runtime can't run the model here, no input data can be made up for it,
            or the store can't be used.
    """
    kept = store if isinstance(store, CostStore) else CostStore(store)
    clusters = usable(host_clusters())
    profile = _profile(clusters, kept)
    if not model.graph.ops:
        return profile, CostTable(groups=(), costs={})
    found = [_stored(model, cluster, kept) for cluster in clusters]
    fitting = [measurement for measurement in found if measurement is not None]
    if len(fitting) < len(clusters) or len({_partition(each) for each in fitting}) > 1:
        fitting = []
        for index, cluster in enumerate(clusters):
            measurement = measure_model(
                model,
                cluster,
                dispatch_ns=profile.unit(cluster.cores[0].unit).dispatch_ns,
                budget_s=budget_s,
                progress=_share(progress, index, len(clusters)),
            )
            kept.put(measurement, unit_facts(cluster))
            fitting.append(measurement)
    return profile, _table(clusters, fitting)


def usable(clusters: Sequence[Cluster]) -> tuple[Cluster, ...]:
    """The fastest cores, as many as planning takes."""
    left = MAX_UNITS
    kept = []
    for cluster in clusters:
        cores = cluster.cores[:left]
        left -= len(cores)
        if cores:
            kept.append(Cluster(cores=cores, facts=cluster.facts, title=cluster.title))
    return tuple(kept)


def unit_facts(cluster: Cluster) -> Facts:
    """What tells a core under this runtime from another: the key of its measurements."""
    return {**cluster.facts, "runtime": runtime_version(), "threads": THREADS, "method": METHOD}


def _profile(clusters: Sequence[Cluster], store: CostStore) -> Profile:
    dispatch = {}
    for cluster in clusters:
        facts = unit_facts(cluster)
        measurement = store.get(DISPATCH, "", facts)
        if measurement is None:
            measurement = measure_dispatch(cluster)
            store.put(measurement, facts)
        dispatch.update({core.unit: measurement for core in cluster.cores})
    return host_profile(clusters, dispatch, _hand_off(clusters, store), runtime_version())


def _hand_off(clusters: Sequence[Cluster], store: CostStore) -> Measurement | None:
    """From the first core's thread to the second's; None with one core only."""
    cores = [core for cluster in clusters for core in cluster.cores]
    if len(cores) < 2:
        return None
    facts = unit_facts(clusters[0])
    measurement = store.get(HAND_OFF, "", facts)
    if measurement is None:
        measurement = measure_hand_off(cores[0].cpus, cores[1].cpus)
        store.put(measurement, facts)
    return measurement


def _stored(model: Model, cluster: Cluster, store: CostStore) -> Measurement | None:
    """A measurement that fits the model's ops; one that doesn't is as good as none."""
    found = store.get(MODEL, model.prepared_sha256, unit_facts(cluster))
    if found is None:
        return None
    ops = sorted(op for part in found.parts for op in part.ops)
    return found if ops == sorted(model.graph.op) else None


def _partition(measurement: Measurement) -> tuple[tuple[str, ...], ...]:
    return tuple(part.ops for part in measurement.parts)


def _table(clusters: Sequence[Cluster], measurements: Sequence[Measurement]) -> CostTable:
    groups = tuple(Group(name=part.name, ops=part.ops) for part in measurements[0].parts)
    costs = {}
    for cluster, measurement in zip(clusters, measurements, strict=True):
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
