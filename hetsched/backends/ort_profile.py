"""Kernel times from ONNX Runtime's own profiler, next to plain runs of the same graph.

The profiler slows each kernel down, so two sessions of one file take turns: one plain, one profiled
(`hetsched.cost.bands` takes the difference off again).
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from resource import RUSAGE_SELF, getrusage
from time import perf_counter_ns, thread_time_ns
from typing import TypeAlias, TypeVar

import msgspec
import numpy as np
import numpy.typing as npt
import onnxruntime as ort

from hetsched.backends.base import Buffer, HostValue
from hetsched.backends.ort.session import ORT_ERRORS, make_session, reason, session_options
from hetsched.backends.ort.stage import OrtExecutable, Port
from hetsched.backends.ort.values import to_ort
from hetsched.errors import BackendError
from hetsched.ir.parts import identity_model

T = TypeVar("T")

Fed: TypeAlias = Buffer | HostValue

_RUNS_BODIES = frozenset({"If", "Loop", "Scan"})
_SUFFIX = "_kernel_time"
MAX_EVENTS = 40_000
"""About as many records as a profile should hold: each is nearly a kilobyte of text.

ONNX Runtime's profiler drops what comes after a million.
"""


class _Args(msgspec.Struct, frozen=True):
    op_name: str = ""
    node_index: str = "-1"


class _Event(msgspec.Struct, frozen=True):
    """One record of a profile file; only what is needed is decoded."""

    cat: str
    name: str
    ts: int
    dur: int
    args: _Args = _Args()


@dataclass(frozen=True, slots=True, kw_only=True)
class RunTime:
    """How long one run took.

    Attributes:
        wall_ns: from call to return.
        cpu_ns: what of it the calling thread was on a CPU. With one thread the rest is waiting:
            the system gave the CPU to somebody else.
        threads: how many worked on it.
        switches: how often the system took a CPU from one of this process's threads meanwhile;
            counted for several threads only.
    """

    wall_ns: int
    cpu_ns: int
    threads: int = 1
    switches: int = 0

    @property
    def work_ns(self) -> int:
        """What the unit worked: with one thread the time on the CPU, else from call to return."""
        return self.cpu_ns if self.threads == 1 else self.wall_ns

    @property
    def waited_ns(self) -> int:
        """Time without a CPU. It isn't known for several threads: all of a switched-off run."""
        if self.threads == 1:
            return self.wall_ns - self.cpu_ns
        return self.wall_ns if self.switches else 0


@dataclass(frozen=True, kw_only=True)
class KernelRuns:
    """Profiled durations of a graph's kernels.

    Attributes:
        nodes: their positions in the file, in the order in which they first ran.
        kernel_ns: `[run, kernel]`; 0 where a kernel didn't run. Kernels inside the bodies of If,
            Loop and Scan aren't listed: the op around them includes their time.
    """

    nodes: tuple[int, ...]
    kernel_ns: npt.NDArray[np.int64]


class ProfilePair:
    """A plain and a profiled session of one ONNX file, run as it is (no optimisation).

    Both run as a stage of a plan runs: values kept in ONNX Runtime's memory.
    """

    def __init__(
        self, path: Path, feeds: Mapping[str, Fed], scratch: Path, threads: int = 1
    ) -> None:
        """Load both.

        Args:
            path: an ONNX file, already optimised.
            feeds: a value per input.
            scratch: a folder for the profile's file.
            threads: per run, the calling one included.

        Raises:
            BackendError: when ONNX Runtime refuses the file.
        """
        self._session = _profiled_session(path, threads, scratch / "kernels")
        self._profiled = _Timed(self._session, feeds, threads)
        plain = make_session(path, threads=threads, optimize=False)
        self._plain = _Timed(plain, feeds, threads)

    def plain(self) -> RunTime:
        """One plain run.

        Raises:
            BackendError: when the run fails.
        """
        return self._plain.run()

    def profiled(self) -> RunTime:
        """One profiled run; its kernels come out of `finish`.

        Raises:
            BackendError: when the run fails.
        """
        return self._profiled.run()

    def finish(self, last: int) -> KernelRuns:
        """End profiling and read the kernels of the last runs.

        Args:
            last: how many runs to read; earlier ones were warm-up.
        """
        path = Path(self._session.end_profiling())
        profile = path.read_bytes()
        path.unlink()
        return read_runs(profile, last)


class EmptyStage:
    """A stage that does nothing but hand one number through: what is left is its dispatch."""

    def __init__(self, threads: int = 1) -> None:
        """Load it."""
        session = make_session(identity_model("tensor(float)"), threads=threads, optimize=False)
        self._timed = _Timed(session, {"x": np.zeros(1, np.float32)}, threads)

    def run(self) -> RunTime:
        """One run."""
        return self._timed.run()


def runtime_version() -> str:
    """`onnxruntime 1.31.1`."""
    return f"onnxruntime {ort.__version__}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A value that a session made.

    Attributes:
        kind: its type in ONNX Runtime's words, `tensor(float)`.
        value: left where ONNX Runtime made it.
    """

    kind: str
    value: Fed


def run_once(path: Path, feeds: Mapping[str, Fed], threads: int = 1) -> Mapping[str, Made]:
    """Every output of an optimised ONNX file.

    Raises:
        BackendError: when ONNX Runtime refuses the file or fails.
    """
    session = make_session(path, threads=threads, optimize=False)
    values = _Timed(session, feeds, threads).outputs()
    kinds = [port.type for port in session.get_outputs()]
    return {
        name: Made(kind=kind, value=value)
        for kind, (name, value) in zip(kinds, values.items(), strict=True)
    }


class _Timed:
    """A session with values for its inputs."""

    def __init__(
        self, session: ort.InferenceSession, feeds: Mapping[str, Fed], threads: int
    ) -> None:
        inputs, outputs = (
            [Port(name=port.name, inner=port.name, kind=port.type) for port in ports]
            for ports in (session.get_inputs(), session.get_outputs())
        )
        self._stage = OrtExecutable("whole", session, inputs, outputs)
        self._values = {port.name: to_ort(feeds[port.name], port.kind) for port in inputs}
        self._threads = threads

    def run(self) -> RunTime:
        return timed(lambda: self._stage.run(self._values), self._threads)[1]

    def outputs(self) -> Mapping[str, Fed]:
        return dict(zip(self._stage.outputs, self._stage.run(self._values), strict=True))


def timed(call: Callable[[], T], threads: int = 1) -> tuple[T, RunTime]:
    """What a call gives, and how long it took.

    Args:
        call: works on the calling thread, and with others where there are several.
        threads: how many.
    """
    switches = getrusage(RUSAGE_SELF).ru_nivcsw if threads > 1 else 0
    wall, cpu = perf_counter_ns(), thread_time_ns()
    made = call()
    cpu_ns = thread_time_ns() - cpu
    wall_ns = perf_counter_ns() - wall
    if threads > 1:
        switches = getrusage(RUSAGE_SELF).ru_nivcsw - switches
    return made, RunTime(wall_ns=wall_ns, cpu_ns=cpu_ns, threads=threads, switches=switches)


def read_runs(profile: bytes, last: int) -> KernelRuns:
    """Kernels of the last runs in a profile file.

    Raises:
        BackendError: when the file isn't an ONNX Runtime profile, or holds fewer runs.
    """
    try:
        events = msgspec.json.decode(profile, type=list[_Event])
    except msgspec.MsgspecError as error:
        raise BackendError(f"ONNX Runtime's profile can't be read: {error}") from error
    runs: list[list[_Event]] = [[]]
    for event in events:
        if event.cat == "Session" and event.name == "model_run":
            runs.append([])
        elif event.cat == "Node" and event.name.endswith(_SUFFIX):
            if event.args.op_name in _RUNS_BODIES:
                runs[-1] = [inner for inner in runs[-1] if inner.ts < event.ts]
            runs[-1].append(event)
    if not 1 <= last < len(runs):
        raise BackendError(f"ONNX Runtime's profile holds {len(runs) - 1} runs, not {last}")
    return _matrix([_sums(run) for run in runs[-last - 1 : -1]])


def _sums(run: Sequence[_Event]) -> Counter[int]:
    found: Counter[int] = Counter()
    for event in run:
        found[int(event.args.node_index)] += event.dur * 1000
    return found


def _matrix(runs: Sequence[Counter[int]]) -> KernelRuns:
    nodes = tuple(dict.fromkeys(node for run in runs for node in run))
    rows = [[run[node] for node in nodes] for run in runs]
    return KernelRuns(nodes=nodes, kernel_ns=np.array(rows, dtype=np.int64))


def _profiled_session(path: Path, threads: int, prefix: Path) -> ort.InferenceSession:
    options = session_options(threads, optimize=False)
    options.enable_profiling = True
    options.profile_file_prefix = str(prefix)
    try:
        return ort.InferenceSession(
            str(path), options, providers=["CPUExecutionProvider"], enable_fallback=0
        )
    except ORT_ERRORS as error:
        raise BackendError(reason(error)) from error
