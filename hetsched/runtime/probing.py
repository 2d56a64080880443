"""What this machine has to run on, and whether it computes rightly: `hetsched units`."""

from pathlib import Path
from statistics import median
from time import perf_counter_ns

import msgspec

from hetsched.backends.base import HostValue, Probe, StageSpec, arithmetic
from hetsched.backends.registry import BACKENDS, make_backend, probe_backend
from hetsched.errors import BackendError
from hetsched.ir.model import Model
from hetsched.runtime.verify import Verified, verify

MODEL = Path(__file__).parent / "data" / "digits.onnx"
"""A classifier of handwritten digits, 8x8 pixels: a convolutional network of 39 kB."""

SHAPES = {"x": (1, 1, 8, 8)}
RUNS = 21


class Cores(msgspec.Struct, frozen=True, kw_only=True):
    """Equal CPU cores.

    Attributes:
        title: of the processor.
        units: their names, one per core.
        threads: how many of them one run of a stage may take.
    """

    title: str
    units: tuple[str, ...]
    threads: tuple[int, ...]


class Tried(msgspec.Struct, frozen=True, kw_only=True):
    """What came of running a small model on an engine.

    Attributes:
        model: its name.
        why_not: what it failed with; None where it ran.
        verified: against ONNX Runtime's CPU provider; None where it didn't run.
        latency_ns: median of some runs; None for an emulated engine.
    """

    model: str
    why_not: str | None = None
    verified: Verified | None = None
    latency_ns: int | None = None


class Engine(msgspec.Struct, frozen=True, kw_only=True):
    """Something that units can be made of.

    Attributes:
        name: `--map UNIT=NAME`.
        about: what it is.
        probe: whether it is here.
        tried: None unless asked for, or where it isn't here.
    """

    name: str
    about: str
    probe: Probe
    tried: Tried | None = None


def cores() -> tuple[Cores, ...]:
    """The CPU cores that this process may use, the fastest first."""
    from hetsched.cost.host import host_clusters

    return tuple(
        Cores(
            title=cluster.title,
            units=tuple(core.unit for core in cluster.cores),
            threads=tuple(range(1, len(cluster.cores) + 1)),
        )
        for cluster in host_clusters()
    )


def engines(*, run: bool = False) -> tuple[Engine, ...]:
    """Every engine that is known by name, but those that compute nothing.

    Args:
        run: also run a small model on those that are here.
    """
    model = _model() if run else None
    return tuple(_engine(name, model) for name, entry in BACKENDS.items() if entry.computes)


def _engine(name: str, model: Model | None) -> Engine:
    probe = probe_backend(name)
    tried = _tried(name, model, probe) if model is not None and probe.here else None
    return Engine(name=name, about=BACKENDS[name].about, probe=probe, tried=tried)


def _model() -> Model:
    from hetsched.ir.load import load  # heavy

    return load(MODEL, shapes=SHAPES)


def _tried(name: str, model: Model, probe: Probe) -> Tried:
    from hetsched.backends.reference import reference_outputs
    from hetsched.ir.sample import sample

    graph = model.graph
    inputs: dict[str, HostValue] = {n: sample(graph.tensors[n], seed=0) for n in graph.inputs}
    spec = StageSpec(id=model.name, ops=tuple(op.name for op in graph.ops), outputs=graph.outputs)
    try:
        backend = make_backend(name)
        (stage,) = backend.compile(model, [spec])
        made = {n: v.host() for n, v in zip(stage.outputs, stage.run(inputs), strict=True)}
        times_ns = []
        for _ in range(0 if probe.emulated else RUNS):
            begin_ns = perf_counter_ns()
            for value in stage.run(inputs):
                value.host()
            times_ns.append(perf_counter_ns() - begin_ns)
    except BackendError as error:
        return Tried(model=model.name, why_not=str(error))
    expected = reference_outputs(model.path, inputs)
    return Tried(
        model=model.name,
        verified=verify(graph, expected, made, computed_in={arithmetic(backend)}),
        latency_ns=round(median(times_ns)) if times_ns else None,
    )
