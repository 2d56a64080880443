"""One plan run once or a few times on this machine: what `hetsched run` reports."""

import hashlib
from collections.abc import Iterable, Mapping
from contextlib import nullcontext
from pathlib import Path
from statistics import median_low

import msgspec
import numpy as np

from hetsched.backends.base import HostValue, arithmetic, is_emulated
from hetsched.backends.registry import BACKENDS
from hetsched.errors import RunError
from hetsched.ir.graph import Graph
from hetsched.ir.model import Model
from hetsched.ir.sample import sample
from hetsched.plan.files import check_profile
from hetsched.plan.model import Plan
from hetsched.runtime.inputs import dtype_name
from hetsched.runtime.result import Result, StageTime
from hetsched.runtime.runtime import Runtime
from hetsched.runtime.standins import HERE
from hetsched.runtime.units import RuntimeUnit, host_units, make_unit, planned_threads
from hetsched.runtime.verify import Verified, verify
from hetsched.soc.profile import Profile

SCHEMA = 1
ORT = "ort"
NULL = "null"


class Output(msgspec.Struct, frozen=True, kw_only=True):
    """One of the model's outputs.

    Attributes:
        name: in the model.
        shape: None for a sequence or an empty optional.
        dtype: None likewise.
        sha256: of the elements in C order, as they are in memory.
    """

    name: str
    shape: tuple[int, ...] | None
    dtype: str | None
    sha256: str


class StageRun(msgspec.Struct, frozen=True, kw_only=True):
    """One subgraph as it ran.

    Attributes:
        id: the plan's.
        unit: the plan's.
        backend: what executed it.
        on: this machine's unit that ran it.
        ops: how many.
        start_ns: in the run whose latency is the median, since the request.
        latency_ns: median over the runs.
        predicted_ns: by the plan, for the plan's SoC.
    """

    id: str
    unit: str
    backend: str
    on: str
    ops: int
    start_ns: int
    latency_ns: int
    predicted_ns: int


class Mapped(msgspec.Struct, frozen=True, kw_only=True):
    """What stands in for a unit of the plan.

    Attributes:
        backend: what executes there.
        on: this machine's unit.
        emulated: its times say nothing of the hardware that it stands for.
    """

    backend: str
    on: str
    emulated: bool = False


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """What came of running a plan.

    Attributes:
        schema: version of this layout.
        model: its name.
        profile: name of the SoC that the plan is for.
        runs: how many.
        latency_ns: median over the runs, from the request to its last output.
        predicted_ns: by the plan, for the plan's SoC.
        mapping: the plan's unit to what stood in for it.
        stages: in the plan's order.
        outputs: in the model's order, of the last run.
        verified: None unless asked for.
        made_up: inputs that weren't given and were filled with random data.
        paced_to: name of the SoC whose pace was emulated; None where nothing was.
        too_slow: stages for which this host took longer than that SoC would have, at least once.
    """

    schema: int
    model: str
    profile: str
    runs: int
    latency_ns: int
    predicted_ns: int
    mapping: dict[str, Mapped]
    stages: tuple[StageRun, ...]
    outputs: tuple[Output, ...]
    verified: Verified | None
    made_up: tuple[str, ...]
    paced_to: str | None = None
    too_slow: tuple[str, ...] = ()


def check_mapping(plan: Plan, backends: Mapping[str, str]) -> list[str]:
    """The names of a plan's units.

    Raises:
        RunError: when a mapping names a unit or backend that doesn't exist.
    """
    planned = list(dict.fromkeys(part.unit for part in plan.subgraphs))
    for unit, backend in backends.items():
        if unit not in planned:
            raise RunError(f"the plan has no unit {unit!r}: it has {', '.join(planned) or 'none'}")
        if backend not in BACKENDS:
            raise RunError(f"unit {unit!r} is mapped to {backend!r}: take {_either(BACKENDS)}")
    return planned


def place_units(
    plan: Plan, backends: Mapping[str, str]
) -> tuple[list[RuntimeUnit], dict[str, str]]:
    """This machine's units for a plan, and which stands in for which of the plan's.

    CPU cores are taken in turn, or by name where the plan is for them: then with as many threads as
    it was made for. Any other backend is one unit here, whatever the number of the plan's; only
    `null` is one for each.

    Args:
        plan: what is to run.
        backends: the plan's unit to a backend's name; `ort` where nothing is said.

    Raises:
        RunError: naming a unit or backend that doesn't exist.
        BackendError: when a backend isn't here.
    """
    planned = check_mapping(plan, backends)
    on_cores = [unit for unit in planned if backends.get(unit, ORT) == ORT]
    cores = host_units(planned_threads(on_cores) if plan.profile.name == HERE else 1)
    names = [core.name for core in cores]
    mapping = {
        unit: unit if unit in names else names[index % len(names)]
        for index, unit in enumerate(on_cores)
    }
    found = [core for core in cores if core.name in mapping.values()]
    for unit in planned:
        if unit not in mapping:
            mapping[unit] = _stand_in(unit, backends[unit], found)
    return found or [cores[0]], {unit: mapping[unit] for unit in planned}


def _stand_in(unit: str, backend: str, found: list[RuntimeUnit]) -> str:
    """Name of the unit of a backend other than the CPU cores'; it is added where it is missing."""
    name = f"{NULL}-{unit}" if backend == NULL else backend
    if all(other.name != name for other in found):
        found.append(make_unit(backend, name=name))
    return name


def _either(names: Iterable[str]) -> str:
    *most, last = names
    return f"{', '.join(most)} or {last}"


def fill_inputs(
    graph: Graph, given: Mapping[str, HostValue], seed: int
) -> tuple[dict[str, HostValue], tuple[str, ...]]:
    """The inputs given, and random ones for the others, whose names come back too.

    Raises:
        ModelError: when an input that isn't given has no fixed shape.
    """
    missing = tuple(name for name in graph.inputs if name not in given)
    made = {name: sample(graph.tensors[name], seed) for name in missing}
    return {**given, **made}, missing


def read_arrays(files: Mapping[str, Path]) -> dict[str, HostValue]:
    """Arrays from .npy files.

    Raises:
        RunError: naming the input and the file that can't be read.
    """
    found: dict[str, HostValue] = {}
    for name, path in files.items():
        try:
            array = np.load(path, allow_pickle=False)
        except OSError as error:
            why = error.strerror or str(error)
            raise RunError(f"input {name!r}: {path} can't be read: {why}") from error
        except (ValueError, EOFError) as error:
            raise RunError(
                f"input {name!r}: {path} is not a .npy file: `numpy.save` writes one"
            ) from error
        if not isinstance(array, np.ndarray):
            array.close()
            raise RunError(
                f"input {name!r}: {path} holds several arrays: give a .npy file with one"
            )
        found[name] = array
    return found


async def run_plan(
    plan: Plan,
    model: Model,
    *,
    given: Mapping[str, HostValue],
    backends: Mapping[str, str],
    runs: int = 1,
    seed: int = 0,
    check: bool = False,
    soc: Profile | None = None,
    trace: Path | None = None,
) -> Trial:
    """Deploy a plan here, run it, and say what came out.

    Args:
        plan: what to run.
        model: the plan's.
        given: inputs by name; the others are filled with random data.
        backends: see `place_units`.
        runs: how often, one after the other; times are medians.
        seed: of the random data.
        check: compare the last run's outputs with the unsplit model's.
        soc: emulate this one's units, in place of `backends`.
        trace: record the runs there; a file that is there is replaced.

    Raises:
        RunError: for a wrong input or mapping, or when a stage fails.
        BackendError: when a backend can't take a stage.
        PlanError: when the model isn't the plan's.
    """
    units, mapping = place_units(plan, backends) if soc is None else _emulated(plan, soc)
    inputs, made_up = fill_inputs(model.graph, given, seed)
    async with Runtime(units) as runtime:
        app = await runtime.deploy(plan, name=plan.model.name, model=model, mapping=mapping)
        async with nullcontext() if trace is None else runtime.tracing(trace, force=True):
            results = [await app.request(inputs) for _ in range(runs)]
    verified = None
    if check:
        from hetsched.backends.reference import reference_outputs  # heavy

        ran = {stage.unit for stage in results[-1].stages}
        verified = verify(
            model.graph,
            reference_outputs(model.path, inputs),
            results[-1].outputs,
            computed_in={arithmetic(unit.backend) for unit in units if unit.name in ran},
        )
    trial = _trial(plan, units, mapping, results, verified, made_up)
    if soc is None:
        return trial
    late = {name for unit in units for name in getattr(unit.backend, "late_stages", ())}
    too_slow = tuple(part.id for part in plan.subgraphs if part.id in late)
    return msgspec.structs.replace(trial, paced_to=soc.name, too_slow=too_slow)


def _emulated(plan: Plan, soc: Profile) -> tuple[list[RuntimeUnit], dict[str, str]]:
    """A SoC's units on this machine; each of the plan's is its namesake."""
    from hetsched.runtime.emulated import emulated_units

    check_profile(plan, soc)
    return list(emulated_units(soc)), {part.unit: part.unit for part in plan.subgraphs}


def _trial(
    plan: Plan,
    units: list[RuntimeUnit],
    mapping: Mapping[str, str],
    results: list[Result],
    verified: Verified | None,
    made_up: tuple[str, ...],
) -> Trial:
    here = {unit.name: unit.backend for unit in units}
    middle = median_low(result.latency_ns for result in results)
    shown = next(result for result in results if result.latency_ns == middle)
    ran = [_by_part(plan, result) for result in results]
    here_ran = _by_part(plan, shown)
    return Trial(
        schema=SCHEMA,
        model=plan.model.name,
        profile=plan.profile.name,
        runs=len(results),
        latency_ns=middle,
        predicted_ns=plan.latency_ns,
        mapping={
            unit: Mapped(backend=here[on].name, on=on, emulated=is_emulated(here[on]))
            for unit, on in mapping.items()
        },
        stages=tuple(
            StageRun(
                id=part.id,
                unit=part.unit,
                backend=here_ran[part.id].backend,
                on=here_ran[part.id].unit,
                ops=len(part.ops),
                start_ns=here_ran[part.id].start_ns,
                latency_ns=median_low(each[part.id].duration_ns for each in ran),
                predicted_ns=part.end_ns - part.start_ns,
            )
            for part in plan.subgraphs
        ),
        outputs=tuple(_output(name, value) for name, value in results[-1].outputs.items()),
        verified=verified,
        made_up=made_up,
    )


def _by_part(plan: Plan, result: Result) -> dict[str, StageTime]:
    """When each subgraph ran; those that are all of the model's tail ran together, on the host."""
    found = {stage.id: stage for stage in result.stages}
    return {part.id: found.get(part.id, result.stages[-1]) for part in plan.subgraphs}


def _output(name: str, value: HostValue) -> Output:
    digest = hashlib.sha256()
    _digest(digest, value)
    if not isinstance(value, np.ndarray):
        return Output(name=name, shape=None, dtype=None, sha256=digest.hexdigest())
    return Output(name=name, shape=value.shape, dtype=dtype_name(value), sha256=digest.hexdigest())


def _digest(digest: "hashlib._Hash", value: HostValue) -> None:
    if isinstance(value, np.ndarray):
        if value.dtype.kind in "OSUT":
            digest.update("\0".join(str(item) for item in value.reshape(-1)).encode())
        else:
            digest.update(value.tobytes())
    for item in value if isinstance(value, list) else ():
        _digest(digest, item)
