"""Measuring one model on one kind of core."""

import tempfile
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from hetsched.backends.ort.mapping import node_of_op
from hetsched.backends.ort.optimize import MODEL_FILE, optimize_region
from hetsched.backends.ort_profile import MAX_EVENTS, EmptyStage, ProfilePair, RunTime
from hetsched.cost.bands import Band, band, group_times
from hetsched.cost.host import Cluster
from hetsched.cost.measure import (
    MIN_ROUNDS,
    Progress,
    calm,
    hand_offs,
    on_cpus,
    repeat,
    take_turns,
    work_ns,
)
from hetsched.cost.measured_groups import Grouping, grouping
from hetsched.cost.store_records import DISPATCH, HAND_OFF, MODEL, Measurement, Part
from hetsched.errors import BackendError, CostError, ModelError
from hetsched.ir.graph import Graph
from hetsched.ir.model import Model
from hetsched.ir.parts import read_nodes
from hetsched.ir.sample import samples
from hetsched.quantity import Origin

THREADS = 1
DTYPE = "float32"
EMPTY_RUNS = 400
HAND_OFF_RUNS = 400
WARM_UP_RUNS = 50


def measure_model(
    model: Model,
    cluster: Cluster,
    *,
    dispatch_ns: int,
    budget_s: float,
    progress: Progress | None = None,
) -> Measurement:
    """Measure a model's groups, without looking into the store.

    The model is optimised whole, as the backend does it; the optimised graph is profiled node by
    node, and the nodes' times go to the groups of ops that they stand for. The groups are scaled so
    that they and one dispatch add up to the plain time of the whole.

    Args:
        model: with at least one op.
        cluster: the cores to run on.
        dispatch_ns: what a stage without work takes there.
        budget_s: wall time for running; loading comes on top.
        progress: told the share that is done.

    Raises:
        CostError: when ONNX Runtime can't run the model here, or no input data can be made up.
    """
    try:
        with tempfile.TemporaryDirectory(prefix="hetsched-") as folder, on_cpus(_cpus(cluster)):
            return _measure(model, Path(folder), dispatch_ns, budget_s, progress)
    except (BackendError, ModelError) as error:
        raise CostError(
            f"{model.name} can't be measured on this machine with made-up inputs: {error}"
        ) from error


def measure_dispatch(cluster: Cluster) -> Measurement:
    """Time of a stage that does nothing."""
    with on_cpus(_cpus(cluster)):
        runs = repeat(EmptyStage(THREADS).run, times=EMPTY_RUNS, warm_up=WARM_UP_RUNS)
    return _measurement(DISPATCH, "", band(work_ns(runs)))


def measure_hand_off(here: Sequence[int], there: Sequence[int]) -> Measurement:
    """Time from one core's thread to another's.

    Args:
        here: CPUs of the one core.
        there: CPUs of the other.
    """
    times = hand_offs(here, there, times=HAND_OFF_RUNS, warm_up=WARM_UP_RUNS)
    return _measurement(HAND_OFF, "", band(times))


def _cpus(cluster: Cluster) -> list[int]:
    return [cpu for core in cluster.cores for cpu in core.cpus]


def _measure(
    model: Model, folder: Path, dispatch_ns: int, budget_s: float, progress: Progress | None
) -> Measurement:
    graph = model.graph
    outputs = [name for name in graph.outputs if name in graph.producer]
    optimize_region(model, list(graph.op), outputs, THREADS, folder)
    nodes = read_nodes(folder / MODEL_FILE).nodes
    grouped = grouping(graph, nodes, node_of_op(graph, nodes, graph.ops))
    pair = _pair(graph, folder)
    most = MAX_EVENTS // max(1, len(nodes))
    turns = take_turns(pair, budget_s=budget_s, max_profiled=most, progress=progress)
    kernels = pair.finish(len(turns.profiled))
    whole = band(work_ns(turns.plain))
    times = group_times(
        kernels.kernel_ns[_undisturbed(turns.profiled)],
        [grouped.group_of_node[node] for node in kernels.nodes],
        len(grouped.groups),
        max(0, whole.latency_ns - dispatch_ns),
    )
    parts = _parts(grouped, times.groups)
    return _measurement(MODEL, model.prepared_sha256, whole, times.scale, parts)


def _pair(graph: Graph, folder: Path) -> ProfilePair:
    """Sessions with made-up data that the model takes.

    Wide integers may be masks (either value is right), sizes (1 is) or indices (0 is).
    """
    *others, last = (samples(graph, whole=whole) for whole in (None, 1, 0))
    for feeds in others:
        pair = ProfilePair(folder / MODEL_FILE, feeds, folder, THREADS)
        with suppress(BackendError):
            pair.plain()
            return pair
    return ProfilePair(folder / MODEL_FILE, last, folder, THREADS)


def _undisturbed(runs: Sequence[RunTime]) -> list[int]:
    """Positions of the calm runs, of all where these are few."""
    good = calm(runs)
    return list(good if len(good) >= MIN_ROUNDS else range(len(runs)))


def _parts(grouped: Grouping, bands: Sequence[Band]) -> tuple[Part, ...]:
    return tuple(
        Part(
            name=group.name,
            ops=group.ops,
            latency_ns=spread.latency_ns,
            low_ns=spread.low_ns,
            high_ns=spread.high_ns,
        )
        for group, spread in zip(grouped.groups, bands, strict=True)
    )


def _measurement(
    kind: str, digest: str, spread: Band, scale: float = 1.0, parts: tuple[Part, ...] = ()
) -> Measurement:
    return Measurement(
        kind=kind,
        digest=digest,
        measured_at=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        origin=Origin.MEASURED,
        dtype=DTYPE,
        runs=spread.runs,
        latency_ns=spread.latency_ns,
        low_ns=spread.low_ns,
        high_ns=spread.high_ns,
        scale=scale,
        parts=parts,
    )
