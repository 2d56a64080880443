"""The `host` profile: this machine's cores as units, with what was measured on them."""

from collections.abc import Mapping, Sequence

from hetsched.cost.host import Cluster, Core
from hetsched.cost.store_records import Measurement
from hetsched.quantity import Origin
from hetsched.soc.figure import Figure
from hetsched.soc.profile import Dtype, Link, Profile, Unit

FRAMEWORK = "onnxruntime"
BACKEND = "cpu"
DTYPE: Dtype = "float32"
NAME = "host"


def host_profile(
    clusters: Sequence[Cluster],
    dispatch: Mapping[str, Measurement],
    hand_off: Measurement | None,
    runtime: str,
) -> Profile:
    """Put units and links together.

    Args:
        clusters: the cores to be used, fastest first. They share one memory.
        dispatch: core's unit name to the time of a stage that does nothing.
        hand_off: time from one thread's hands to another's, None with one core only.
        runtime: name and version of what ran the measurements.
    """
    cores = [(cluster, core) for cluster in clusters for core in cluster.cores]
    units = tuple(_unit(cluster, core, dispatch[core.unit], runtime) for cluster, core in cores)
    names = [unit.name for unit in units]
    pairs = [(a, b) for index, a in enumerate(names) for b in names[index + 1 :]]
    links = () if hand_off is None else tuple(_link(pair, hand_off) for pair in pairs)
    return Profile(
        name=NAME,
        title=", ".join(f"{sum(core.count for core in c.cores)}x {c.title}" for c in clusters),
        home=names[0],
        requests="anywhere",
        units=units,
        links=links,
        unknown=("how much units slow each other down over the shared memory",),
    )


def _unit(cluster: Cluster, core: Core, dispatch: Measurement, runtime: str) -> Unit:
    return Unit(
        name=core.unit,
        kind="cpu",
        title=f"{core.count} core{'s' if core.count > 1 else ''} of {cluster.title}",
        dtype=DTYPE,
        framework=FRAMEWORK,
        backend=BACKEND,
        reached_by=(BACKEND,),
        cores=core.count,
        dispatch=_figure(dispatch, f"empty stage through {runtime}, {_threads(core)}"),
        unknown=("power: not measured",),
    )


def _threads(core: Core) -> str:
    return "one thread" if core.count == 1 else f"{core.count} threads"


def _link(pair: tuple[str, str], hand_off: Measurement) -> Link:
    """Memory is shared, so nothing is copied: what is left is waking the other core's thread."""
    return Link(
        between=pair, latency=_figure(hand_off, "hand-off between two threads on two cores")
    )


def _figure(measurement: Measurement, what: str) -> Figure:
    middle = max(1, measurement.latency_ns)
    return Figure(
        value=middle / 1e3,
        unit="us",
        origin=Origin.MEASURED,
        source=f"{what}: median of {measurement.runs} runs, {measurement.measured_at}",
        low=min(1.0, max(measurement.low_ns, 1) / middle),
        high=max(1.0, measurement.high_ns / middle),
    )
