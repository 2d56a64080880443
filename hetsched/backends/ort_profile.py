"""Kernel times from ONNX Runtime's own profiler, next to plain runs of the same graph.

The profiler slows each kernel down, so two sessions of one file take turns: one plain, one profiled
(`hetsched.cost.bands` takes the difference off again).
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter_ns

import msgspec
import numpy as np
import numpy.typing as npt
import onnxruntime as ort

from hetsched.backends.ort.session import reason, session_options
from hetsched.errors import BackendError

_RUNS_BODIES = frozenset({"If", "Loop", "Scan"})
_SUFFIX = "_kernel_time"
MAX_EVENTS = 900_000
"""What a profile can hold: ONNX Runtime's profiler drops what comes after a million events."""


class _Args(msgspec.Struct, frozen=True):
    op_name: str = ""


class _Event(msgspec.Struct, frozen=True):
    """One record of a profile file; only what is needed is decoded."""

    cat: str
    name: str
    ts: int
    dur: int
    args: _Args = _Args()


@dataclass(frozen=True, kw_only=True)
class KernelRuns:
    """Profiled durations of a graph's kernels.

    Attributes:
        names: node names, in the order in which they first ran.
        kernel_ns: `[run, kernel]`; 0 where a kernel didn't run. Kernels inside the bodies of If,
            Loop and Scan aren't listed: the op around them includes their time.
    """

    names: tuple[str, ...]
    kernel_ns: npt.NDArray[np.int64]


class ProfilePair:
    """A plain and a profiled session of one ONNX file, run as it is (no optimisation)."""

    def __init__(self, path: Path, scratch: Path, threads: int = 1) -> None:
        """Load both.

        Args:
            path: an ONNX file, already optimised; its node names are unique.
            scratch: a folder for the profile's file.
            threads: per run, the calling one included.

        Raises:
            BackendError: when ONNX Runtime refuses the file.
        """
        self.plain_session = _session(path, threads, None)
        self._profiled = _session(path, threads, scratch / "kernels")
        self._runs = 0

    def plain(self, feeds: Mapping[str, np.ndarray]) -> int:
        """Time of one plain run in ns.

        Raises:
            BackendError: when the run fails.
        """
        return _timed(self.plain_session, feeds)

    def profiled(self, feeds: Mapping[str, np.ndarray]) -> int:
        """Time of one profiled run in ns; its kernels come out of `finish`.

        Raises:
            BackendError: when the run fails.
        """
        self._runs += 1
        return _timed(self._profiled, feeds)

    def finish(self, last: int) -> KernelRuns:
        """End profiling and read the kernels of the last runs.

        Args:
            last: how many runs to keep; earlier ones were warm-up.
        """
        path = Path(self._profiled.end_profiling())
        events = path.read_bytes()
        path.unlink()
        return read_runs(events, last)


def read_runs(profile: bytes, last: int) -> KernelRuns:
    """Kernels of the last runs in a profile file.

    Raises:
        BackendError: when the file isn't an ONNX Runtime profile, or holds fewer runs.
    """
    try:
        events = msgspec.json.decode(profile, type=list[_Event])
    except msgspec.MsgspecError as error:
        raise BackendError(f"ONNX Runtime's profile can't be read: {error}") from error
    runs: list[Counter[str]] = []
    started: dict[str, int] = {}
    current: Counter[str] = Counter()
    for event in events:
        if event.cat == "Session" and event.name == "model_run":
            runs.append(current)
            current, started = Counter(), {}
        elif event.cat == "Node" and event.name.endswith(_SUFFIX):
            if event.args.op_name in _RUNS_BODIES:
                _drop_since(current, started, event.ts)
            name = event.name.removesuffix(_SUFFIX)
            started[name] = event.ts
            current[name] += event.dur * 1000
    if len(runs) < last or last < 1:
        raise BackendError(f"ONNX Runtime's profile holds {len(runs)} runs, not {last}")
    return _matrix(runs[-last:])


def _drop_since(current: Counter[str], started: dict[str, int], ts: int) -> None:
    """Forget kernels that ran inside an op's bodies, which started after the op."""
    for name in [name for name, begin in started.items() if begin >= ts]:
        del current[name], started[name]


def _matrix(runs: Sequence[Counter[str]]) -> KernelRuns:
    names = tuple(dict.fromkeys(name for run in runs for name in run))
    rows = [[run[name] for name in names] for run in runs]
    return KernelRuns(names=names, kernel_ns=np.array(rows, dtype=np.int64))


def _session(path: Path, threads: int, profile: Path | None) -> ort.InferenceSession:
    options = session_options(threads, optimize=False)
    if profile is not None:
        options.enable_profiling = True
        options.profile_file_prefix = str(profile)
    try:
        return ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except (RuntimeError, ValueError) as error:
        raise BackendError(f"ONNX Runtime can't load {path.name}: {reason(error)}") from error


def _timed(session: ort.InferenceSession, feeds: Mapping[str, np.ndarray]) -> int:
    start = perf_counter_ns()
    try:
        session.run(None, feeds)
    except (RuntimeError, ValueError) as error:
        raise BackendError(f"ONNX Runtime can't run the model: {reason(error)}") from error
    return perf_counter_ns() - start
